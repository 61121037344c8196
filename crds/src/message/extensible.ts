import { z } from 'zod';

/**
 * The schema of an object to which a later version may add fields: they are kept unchanged. The type has only the fields of
 * this version.
 */
export const extensible = <Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape> => z.looseObject(shape);

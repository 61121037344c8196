import { z } from 'zod';

/**
 * The schema of an object that a later version may add fields to: they are kept as they came. The type names only what this version
 * knows.
 */
export const extensible = <Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape> => z.looseObject(shape);

import { join } from 'node:path';
import type * as clone from './page.ts';

/** The page as it was built with the package, beside its main file. */
export const page: typeof clone.page = async () => join(import.meta.dirname, 'page');

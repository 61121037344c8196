/** What errnos mean for one kind, by code: which field, why, and what to do. */
export type Refusal = { meaning: string; advice: string };
export type Refusals = { readonly [code: string]: Refusal };

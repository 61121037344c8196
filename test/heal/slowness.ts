/** How many times as long as usual everything may take here: an emulated machine is that much slower (IFACTOR_SLOWNESS). */
export const slowness = Number(process.env['IFACTOR_SLOWNESS'] ?? 1);

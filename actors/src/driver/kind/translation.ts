/** How one kind's attributes differ between the log (`Logged`) and the kernel (`Shown`), beside the device below. */
export type Translation<Logged, Shown> = {
  toKernel(attributes: Omit<Logged, 'dev'>): Partial<Omit<Shown, 'link'>>;
  fromKernel(attributes: Omit<Shown, 'link'>): Omit<Logged, 'dev'>;
};

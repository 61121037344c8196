import { openMachine } from '../testing/machine.ts';
import { kernelSuite } from './suite.ts';

kernelSuite('this machine', openMachine, { skip: process.getuid?.() !== 0 });

import { expect, test } from 'vitest';
import { newest } from './newest.ts';

test('one question at a time; what was asked in between is left out', async () => {
  const asked: number[] = [];
  const taken: number[] = [];
  const answers: ((value: number) => void)[] = [];
  const ask = newest(
    (request: number) => {
      asked.push(request);
      return new Promise<number>((resolve) => answers.push(resolve));
    },
    (answer) => taken.push(answer),
    () => {},
  );
  [1, 2, 3].forEach(ask);
  expect(asked).toEqual([1]);
  answers[0]?.(10);
  await Promise.resolve();
  await Promise.resolve();
  expect(asked).toEqual([1, 3]);
  answers[1]?.(30);
  await Promise.resolve();
  await Promise.resolve();
  expect(taken, 'the old answer came too late to be shown').toEqual([30]);
});

test('a failure is told, and the next question is put all the same', async () => {
  const failed: string[] = [];
  const taken: string[] = [];
  const ask = newest(
    (request: string) => (request === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve(request)),
    (answer) => taken.push(answer),
    ({ message }) => failed.push(message),
  );
  ask('bad');
  await new Promise((resolve) => setImmediate(resolve));
  ask('good');
  await new Promise((resolve) => setImmediate(resolve));
  expect([failed, taken]).toEqual([['no'], ['good']]);
});

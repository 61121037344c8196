import { TestClock } from '@ifactor/common/testing';
import { describe, expect, it } from 'vitest';
import { Requests } from './requests.ts';
import type { SocketHandlers } from './socket.ts';
import { messages, MessageWriter, NLM_F_ACK } from '../wire/attribute.ts';

const port = 77;

/** A socket whose other end is the test. */
function connect(clock = new TestClock()): {
  requests: Requests;
  sent: Buffer[][];
  handlers: SocketHandlers;
  answer: (...replies: Buffer[]) => void;
} {
  const sent: Buffer[][] = [];
  let handlers: SocketHandlers | undefined;
  const requests = new Requests((own) => {
    handlers = own;
    return {
      port,
      send: (data) => {
        sent.push(data);
      },
      keepAlive: () => {},
      close: () => {},
    };
  }, clock);
  return { requests, sent, handlers: handlers!, answer: (...replies) => handlers!.receive(Buffer.concat(replies)) };
}

function request(type = 16): Buffer {
  return new MessageWriter(type, NLM_F_ACK).u32(1, 5).finish();
}

function seqOf(data: Buffer): number {
  return [...messages(data)][0]!.seq;
}

/** An answer as the kernel frames it. */
function reply(type: number, seq: number, payload: Buffer, flags = 0): Buffer {
  const data = new MessageWriter(type, flags).raw(payload).finish();
  data.writeUInt32LE(seq, 8);
  data.writeUInt32LE(port, 12);
  return data;
}

function ack(seq: number, errno = 0): Buffer {
  const payload = Buffer.alloc(20);
  payload.writeInt32LE(-errno, 0);
  return reply(2, seq, payload, 0x100);
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    queueMicrotask(resolve);
  });

describe('requests', () => {
  it('sends together what is asked together, at most 16, and the rest when these are answered', async () => {
    const { requests, sent, answer } = connect();
    const done = Promise.all(Array.from({ length: 20 }, () => requests.request(request(), { operation: 'test' })));
    await turn();
    expect(sent.map((batch) => batch.length)).toEqual([16]);
    answer(...sent[0]!.map((data) => ack(seqOf(data))));
    await turn();
    expect(sent.map((batch) => batch.length)).toEqual([16, 4]);
    answer(...sent[1]!.map((data) => ack(seqOf(data))));
    expect(await done).toHaveLength(20);
    expect(new Set(sent.flat().map(seqOf)).size).toBe(20);
  });

  it('sends alone what asks for it, in order', async () => {
    const { requests, sent, answer } = connect();
    for (const alone of [false, true, false]) void requests.request(request(), { operation: 'test', alone });
    for (let batch = 0; batch < 3; batch++) {
      await turn();
      expect(sent).toHaveLength(batch + 1);
      expect(sent[batch]).toHaveLength(1);
      answer(ack(seqOf(sent[batch]![0]!)));
    }
  });

  it("rejects one with the kernel's words, and goes on with the others", async () => {
    const { requests, sent, answer } = connect();
    const [bad, good] = [
      requests.request(request(), { operation: 'make it' }),
      requests.request(request(), { operation: 'test' }),
    ];
    await turn();
    const [first, second] = sent[0]!.map(seqOf);
    // NLMSG_ERROR: -95, the header of the request, then NLMSGERR_ATTR_MSG; NLM_F_CAPPED | NLM_F_ACK_TLVS.
    const words = new MessageWriter(2, 0x300)
      .raw(Buffer.concat([Buffer.from('a1ffffff', 'hex'), Buffer.alloc(16)]))
      .text(1, 'Unknown device type')
      .finish();
    words.writeUInt32LE(first!, 8);
    answer(words, ack(second!));
    await expect(bad).rejects.toMatchObject({
      code: 'EOPNOTSUPP',
      kernelWords: 'Unknown device type',
      message: 'cannot make it: Unknown device type (EOPNOTSUPP)',
    });
    expect(await good).toEqual({ interrupted: false });
  });

  it('gives each part of a dump, and says if it was interrupted', async () => {
    const { requests, sent, answer } = connect();
    const parts: string[] = [];
    const dump = requests.request(request(18), {
      operation: 'list',
      alone: true,
      each: ({ payload }) => parts.push(payload.toString('hex')),
    });
    await turn();
    const seq = seqOf(sent[0]![0]!);
    answer(reply(16, seq, Buffer.from('01000000', 'hex'), 2), reply(16, seq + 1, Buffer.from('ff000000', 'hex'), 2));
    answer(reply(16, seq, Buffer.from('02000000', 'hex'), 2 | 0x10));
    answer(reply(3, seq, Buffer.alloc(4), 2));
    expect(await dump).toEqual({ interrupted: true });
    expect(parts).toEqual(['01000000', '02000000']);
  });

  it('rejects what is under way when the socket breaks, and works again after', async () => {
    const { requests, sent, handlers, answer } = connect();
    const lost = requests.request(request(), { operation: 'test' });
    await turn();
    handlers.broken(Object.assign(new Error('ran over'), { code: 'ENOBUFS' }));
    await expect(lost).rejects.toMatchObject({ code: 'ENOBUFS' });
    answer(ack(seqOf(sent[0]![0]!)));
    const next = requests.request(request(), { operation: 'test' });
    await turn();
    answer(ack(seqOf(sent[1]![0]!)));
    expect(await next).toEqual({ interrupted: false });
  });

  it('rejects everything when it is closed', async () => {
    const { requests } = connect();
    const all = [
      requests.request(request(), { operation: 'test', alone: true }),
      requests.request(request(), { operation: 'test' }),
    ];
    await turn();
    requests.close();
    for (const one of [...all, requests.request(request(), { operation: 'test' })])
      await expect(one).rejects.toMatchObject({ code: 'ECLOSED' });
  });

  it('gives up after a minute without an answer', async () => {
    const clock = new TestClock();
    const { requests } = connect(clock);
    const outcome = requests.request(request(), { operation: 'test' }).catch((error: unknown) => error);
    await turn();
    await clock.pass(61_000);
    expect(await outcome).toMatchObject({ code: 'ETIMEDOUT' });
  });
});

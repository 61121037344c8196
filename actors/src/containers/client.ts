/** The part of the Docker Engine API that is needed here, over a unix socket. Podman's service speaks it too. */
import type { Clock } from '@ifactor/common';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { codeOf } from '@ifactor/common';
import { member, text } from '@ifactor/common/json';

/** A frozen engine accepts connections and answers none. */
const answerWithinMs = 5000;

/** `run` identifies one run of a container: it changes when the container restarts. */
export type Inspection = { id: string; run: string; pid: number };
export type ContainerEvent = { action: string; id: string; name: string };

/** The engine cannot be asked. `code`: errno name, or 'HTTP <status>'. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * @param name name or id
 * @returns null where there is no such container; pid 0 where it does not run
 * @throws EngineError
 */
export async function inspect(socketPath: string, name: string): Promise<Inspection | null> {
  const response = await get(socketPath, `/containers/${encodeURIComponent(name)}/json`);
  const body = await read(response);
  if (response.statusCode === 404) return null;
  if (response.statusCode !== 200) throw refused(response, body);
  const found = parse(body);
  const id = text(found, 'Id');
  const pid = Number(member(found, 'State', 'Pid') ?? 0);
  if (id === '') throw new EngineError('EPROTO', 'the answer is not that of a container engine');
  return {
    id,
    run: `${id} ${text(found, 'State', 'StartedAt')} ${pid}`,
    pid: member(found, 'State', 'Running') === true ? pid : 0,
  };
}

/** What can change where a container's name leads. Podman says `died` and `remove`. */
const actions = ['start', 'die', 'died', 'destroy', 'remove', 'rename'];

export type EventHandlers = {
  /** Called before the first event. No event since the call is missing. */
  open: () => void;
  event: (event: ContainerEvent) => void;
  /** Called once: the stream has ended or could not be opened. */
  end: (error: EngineError) => void;
};

/** @returns ends the stream without calling a handler */
export function events(socketPath: string, clock: Clock, { open, event, end }: EventHandlers): () => void {
  const query = new URLSearchParams({
    // The engine answers before it subscribes; what happens between the two is in its memory.
    since: String(Math.floor(clock.now() / 1000) - 1),
    filters: JSON.stringify({ type: ['container'], event: actions }),
  });
  let over = false;
  const finish = (error: EngineError): void => {
    if (over) return;
    over = true;
    asked.destroy();
    end(error);
  };
  const asked = start(
    socketPath,
    `/events?${query.toString()}`,
    (response) => {
      // From now on it is silent as long as nothing happens.
      asked.setTimeout(0);
      if (response.statusCode !== 200) {
        read(response).then(
          (body) => finish(refused(response, body)),
          (error: unknown) => finish(unreachable(error)),
        );
        return;
      }
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (!over && line.trim() !== '') event(eventOf(parse(line)));
        }
      });
      response.on('error', (error) => finish(unreachable(error)));
      response.on('close', () => finish(new EngineError('ECONNRESET', 'the event stream ended')));
      if (!over) open();
    },
    (error) => finish(unreachable(error)),
  );
  limit(asked);
  return () => {
    over = true;
    asked.destroy();
  };
}

function eventOf(line: unknown): ContainerEvent {
  return {
    action: text(line, 'Action'),
    id: text(line, 'Actor', 'ID'),
    name: text(line, 'Actor', 'Attributes', 'name'),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function get(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = start(socketPath, path, resolve, (error) => reject(unreachable(error)));
    limit(asked);
  });
}

function limit(asked: ClientRequest): void {
  asked.setTimeout(answerWithinMs, () =>
    asked.destroy(new EngineError('ETIMEDOUT', `no answer within ${answerWithinMs / 1000} s`)),
  );
}

function start(
  socketPath: string,
  path: string,
  answered: (response: IncomingMessage) => void,
  failed: (error: Error) => void,
): ClientRequest {
  // Loaded here, since it takes longer than all else that an agent loads at its start, and most nodes run no containers.
  const { request } = process.getBuiltinModule('node:http');
  const asked = request({ socketPath, path, agent: false, headers: { host: 'localhost' } }, answered);
  asked.on('error', failed);
  asked.end();
  return asked;
}

async function read(response: IncomingMessage): Promise<string> {
  try {
    let body = '';
    for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
    return body;
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError(codeOf(error) || 'EIO', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

function refused(response: IncomingMessage, body: string): EngineError {
  return new EngineError(`HTTP ${response.statusCode}`, `HTTP ${response.statusCode}: ${body.trim().slice(0, 200)}`);
}

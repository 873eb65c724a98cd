import { type FSWatcher, watch } from 'node:fs';
import { type LimitCounters, limitCounters } from './cgroup/limit-counters.js';
import { UserError } from './errors.js';
import type { HostPath } from './plan/step.js';
import { quote } from './spec/quote.js';
import { EVENTS, type JournalEvent, JournalReader } from './state/journal.js';
import { ensureRoot } from './state/roots.js';
import { initAlive } from './state/status.js';
import { read, readAll } from './state/store.js';
import { ownCgroups, type UndoContext, undoContext } from './undo.js';

export interface EventsOptions {
  /** Milliseconds since 1970. Without it, and without `until`, only what happens from now on. */
  readonly since?: number;
  /** Milliseconds since 1970. Without it the events have no end but `signal`. */
  readonly until?: number;
  /** `container=NAME`, `event=KIND`, `type=container`. Of one key any may match, of different keys all must. */
  readonly filter?: readonly string[];
  /** Ends the events. */
  readonly signal?: AbortSignal;
}

/** Something that happened to a container. */
export interface ContainerEvent {
  /** ISO 8601, UTC. Of what was counted only: when it was seen. */
  readonly time: string;
  readonly event: JournalEvent['event'] | 'oom' | 'limit';
  readonly name: string;
  /** Tells containers of one name apart; '' where it is not known. */
  readonly id: string;
  /** Of `exit`: 0 to 255 as a shell reports it, null when nobody saw it. */
  readonly exitCode?: number | null;
  /** Of `exit`: `SIGKILL` …, null when no signal ended the command. */
  readonly signal?: string | null;
  /** Of `exit`: `exit`, `signal`, `oom`, `timeout`, `canceled`, `lost`. */
  readonly reason?: string;
  /** Of `limit`: which was reached. */
  readonly resource?: 'memory' | 'pids';
  /** Of `oom` the processes killed, of `limit` how often, since the event of the same kind before. */
  readonly count?: number;
}

/** Milliseconds between two looks at the counters: version 1 tells nobody when they change. */
const TICK = 250;
/** Milliseconds between two events of one limit: a container that lives at its limit meets it thousands of times a second. */
const QUIET = 10_000;
const KINDS: readonly string[] = [...EVENTS, 'oom', 'limit'] satisfies ContainerEvent['event'][];
const NONE: LimitCounters = { oomKills: 0, memoryHits: 0, pidsHits: 0 };

/**
 * What happens to the containers of this machine, oldest first: first what was written down since `since`, then, until `until`, what
 * is written and counted meanwhile. A kill by the memory limit that nobody watched is told at the container's end, from its counters.
 * @throws UserError for a filter that is not valid, or when the state cannot be read: not root.
 */
export async function* events(options: EventsOptions = {}, context: UndoContext = undoContext()): AsyncGenerator<ContainerEvent, void> {
  const matches = parseFilters(options.filter ?? []);
  const { until = Number.POSITIVE_INFINITY, signal } = options;
  const isHistoryWanted = options.since !== undefined || options.until !== undefined;
  if ((options.since ?? 0) > until) throw new UserError('the events are to end before they begin', { hint: '--since 1h --until 10m' });
  const wanted = (event: ContainerEvent): boolean =>
    matches(event) && Date.parse(event.time) >= (options.since ?? 0) && Date.parse(event.time) <= until;
  const watching = new Watching(context, isHistoryWanted && options.since !== undefined);
  try {
    const history = watching.look();
    if (isHistoryWanted) yield* history.filter(wanted);
    while (Date.now() < until && signal?.aborted !== true) {
      await watching.change(Math.min(TICK, until - Date.now()), signal);
      yield* watching.look().filter(wanted);
    }
  } finally {
    watching.close();
  }
}

/** What is known of one container that runs. */
interface Watched {
  readonly cgroups: readonly HostPath[];
  told: LimitCounters;
  /** When its limits were last told of. */
  readonly last: { memory: number; pids: number };
}

/** The journal and the counters of what runs, looked at again and again. */
class Watching {
  readonly #context: UndoContext;
  readonly #reader: JournalReader;
  readonly #running = new Map<string, Watched>();
  readonly #watcher: FSWatcher | undefined;
  readonly #changed: { wake: () => void } = { wake: () => {} };
  readonly #isRetold: boolean;
  #isFirst = true;

  /** @param isRetold also what the counters of a running container have counted before */
  constructor(context: UndoContext, isRetold: boolean) {
    this.#context = context;
    this.#isRetold = isRetold;
    ensureRoot(context.roots.state);
    this.#reader = new JournalReader(context.roots);
    this.#watcher = watchFolder(context.roots.state, (file) => {
      if (file?.startsWith('.events')) this.#changed.wake();
    });
  }

  /** What is new since the last look. */
  look(): ContainerEvent[] {
    const lines = this.#reader.read();
    const found: ContainerEvent[] = [];
    if (this.#isFirst) {
      // Before the lines: an end among them that is told already has no entry any more.
      for (const { record } of readAll(this.#context.roots).filter(initAlive)) {
        if (record !== undefined) this.#add(record.name, record.id, this.#isRetold);
      }
      this.#isFirst = false;
      found.push(...lines.flatMap((line) => this.#unfold(line)));
    } else for (const line of lines) found.push(...this.#follow(line));
    for (const [key, watched] of this.#running) found.push(...count(key, watched, Date.now()));
    return found;
  }

  /** Returns when the journal has grown, the time is over, or the signal comes. */
  async change(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => wake(), milliseconds);
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#changed.wake = wake;
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#reader.close();
  }

  #add(name: string, id: string, isNew: boolean): void {
    const entry = read(this.#context.roots, name);
    if (entry?.record?.id !== id) return;
    const cgroups = ownCgroups(entry).map(({ path }) => path);
    this.#running.set(`${name} ${id}`, { cgroups, told: isNew ? NONE : limitCounters(cgroups), last: { memory: 0, pids: 0 } });
  }

  #follow(line: JournalEvent): ContainerEvent[] {
    if (line.event === 'start') this.#add(line.name, line.id, true);
    const found = this.#unfold(line);
    if (line.event === 'exit') this.#running.delete(`${line.name} ${line.id}`);
    return found;
  }

  /** A line as events: before an end comes what the counters have counted and nobody has told. */
  #unfold({ oomKills = 0, memoryHits = 0, pidsHits = 0, ...event }: JournalEvent): ContainerEvent[] {
    if (event.event !== 'exit') return [event];
    const { name, id, time } = event;
    const told = this.#running.get(`${name} ${id}`)?.told ?? NONE;
    return [...difference({ name, id, time }, told, { oomKills, memoryHits, pidsHits }), event];
  }
}

/** What the counters have counted since they were told of; what is not yet to be told stays for later. */
function count(key: string, watched: Watched, now: number): ContainerEvent[] {
  const counters = readCounters(watched);
  const [name = '', id = ''] = key.split(' ');
  const { told, last } = watched;
  const isKill = counters.oomKills > told.oomKills;
  const next = {
    oomKills: counters.oomKills,
    memoryHits: isKill || now - last.memory >= QUIET ? counters.memoryHits : told.memoryHits,
    pidsHits: now - last.pids >= QUIET ? counters.pidsHits : told.pidsHits,
  };
  const found = difference({ name, id, time: new Date(now).toISOString() }, told, next);
  if (next.memoryHits > told.memoryHits) last.memory = now;
  if (next.pidsHits > told.pidsHits) last.pids = now;
  watched.told = next;
  return found;
}

/** A cgroup that goes takes its counters with it: they never run backwards. */
function readCounters({ cgroups, told }: Watched): LimitCounters {
  const now = limitCounters(cgroups);
  return {
    oomKills: Math.max(now.oomKills, told.oomKills),
    memoryHits: Math.max(now.memoryHits, told.memoryHits),
    pidsHits: Math.max(now.pidsHits, told.pidsHits),
  };
}

function difference(common: Pick<ContainerEvent, 'name' | 'id' | 'time'>, before: LimitCounters, now: LimitCounters): ContainerEvent[] {
  const { time, ...whose } = common;
  const kills = now.oomKills - before.oomKills;
  const hits = now.memoryHits - before.memoryHits;
  const refused = now.pidsHits - before.pidsHits;
  return [
    // A kill says already that the limit was reached.
    ...(kills > 0 ? [{ time, event: 'oom' as const, ...whose, count: kills }] : []),
    ...(hits > 0 && kills <= 0 ? [{ time, event: 'limit' as const, ...whose, resource: 'memory' as const, count: hits }] : []),
    ...(refused > 0 ? [{ time, event: 'limit' as const, ...whose, resource: 'pids' as const, count: refused }] : []),
  ];
}

/** undefined where the kernel gives no further watch (inotify(7), max_user_watches): then the look at each tick has to do. */
function watchFolder(folder: HostPath, changed: (file: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, (_, file) => changed(file));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

function parseFilters(filter: readonly string[]): (event: ContainerEvent) => boolean {
  const names: string[] = [];
  const kinds: string[] = [];
  for (const text of filter) {
    const [, key, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (key === 'container' || key === 'name') names.push(value);
    else if (key === 'event') kinds.push(checkKind(value));
    else if (key !== 'type' || value !== 'container')
      throw new UserError(`unknown filter ${quote(text)}`, { hint: '--filter container=NAME or --filter event=oom' });
  }
  return ({ name, event }) => (names.length === 0 || names.includes(name)) && (kinds.length === 0 || kinds.includes(event));
}

function checkKind(value: string): string {
  // What docker calls the end of a container.
  const kind = value === 'die' ? 'exit' : value === 'destroy' ? 'rm' : value;
  if (!KINDS.includes(kind)) throw new UserError(`there is no event ${quote(value)}`, { hint: `one of ${KINDS.join(', ')}` });
  return kind;
}

import type { Clause, Condition } from './rules.js';
import { leniency, type Verdict } from './verdict.js';

/** The first argument of socketcall(2) and ipc(2), by which 32-bit x86 has one call for many (linux/net.h, linux/ipc.h). */
const SOCKETCALLS =
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt ' +
  'sendmsg recvmsg accept4 recvmmsg sendmmsg';
const IPC_CALLS = 'semop semget semctl semtimedop . . . . . . msgsnd msgrcv msgget msgctl . . . . . . shmat shmdt shmget shmctl';

const MULTIPLEXED: ReadonlyMap<string, readonly [call: string, selector: number]> = new Map<string, readonly [string, number]>([
  ...SOCKETCALLS.split(' ').map((name, at) => [name, ['socketcall', at + 1]] as const),
  ...IPC_CALLS.split(' ').map((name, at) => [name, ['ipc', at + 1]] as const),
]);

interface Rule {
  readonly parts: readonly (readonly Condition[])[];
  readonly verdict: Verdict;
  readonly fallback: Verdict;
}

/**
 * What a rule for `name` means for socketcall(2) or ipc(2), as libseccomp has it, on architectures that have those. The
 * arguments of the inner call lie in memory, where no filter sees them: a rule with arguments that lets pass is no rule
 * there, and one that refuses refuses whatever the arguments.
 */
export function multiplexed(name: string, numbers: ReadonlyMap<string, number>, rule: Rule): (readonly [number: number, clause: Clause])[] {
  const [call = '', selector = 0] = MULTIPLEXED.get(name) ?? [];
  const number = numbers.get(call);
  if (number === undefined) return [];
  const isWhole = rule.parts.some((conditions) => conditions.length === 0);
  if (!isWhole && leniency(rule.verdict) > leniency(rule.fallback)) return [];
  const condition: Condition = { index: 0, kind: 'equal', not: false, mask: [0, 0xffffffff], value: [0, selector] };
  return [[number, { conditions: [condition], verdict: rule.verdict }]];
}

import type { Condition } from './rules.js';

/** The first argument of socketcall(2) and ipc(2), by which 32-bit x86 has one call for many (linux/net.h, linux/ipc.h). */
const SOCKETCALLS =
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt ' +
  'sendmsg recvmsg accept4 recvmmsg sendmmsg';
const IPC_CALLS = 'semop semget semctl semtimedop . . . . . . msgsnd msgrcv msgget msgctl . . . . . . shmat shmdt shmget shmctl';

interface Selector {
  /** Of socketcall(2) or ipc(2). */
  readonly number: number;
  /** That its first argument means this call. */
  readonly condition: Condition;
}

/** Finds a call inside socketcall(2) or ipc(2); undefined on architectures that have neither. */
export function multiplexed(numbers: ReadonlyMap<string, number>): ((name: string) => Selector | undefined) | undefined {
  const [socketcall, ipc] = [numbers.get('socketcall'), numbers.get('ipc')];
  if (socketcall === undefined && ipc === undefined) return undefined;
  const found = new Map([...selectors(SOCKETCALLS, socketcall), ...selectors(IPC_CALLS, ipc)]);
  return (name) => found.get(name);
}

function selectors(names: string, number: number | undefined): (readonly [name: string, selector: Selector])[] {
  if (number === undefined) return [];
  return names.split(' ').map((name, at) => {
    const condition: Condition = { index: 0, kind: 'equal', not: false, mask: [0, 0xffffffff], value: [0, at + 1] };
    return [name, { number, condition }];
  });
}

import test from 'ava';
import { RLIM_INFINITY, RLIMITS, rlimitNumber, ULIMIT_NAMES } from '../../src/spec/rlimits.js';

test('numbers of asm-generic/resource.h', (t) => {
  const known = { RLIMIT_CPU: 0, RLIMIT_CORE: 4, RLIMIT_NPROC: 6, RLIMIT_NOFILE: 7, RLIMIT_MEMLOCK: 8, RLIMIT_AS: 9, RLIMIT_RTTIME: 15 };
  for (const [name, number] of Object.entries(known)) t.is(rlimitNumber(name), number, name);
  t.deepEqual(
    [...RLIMITS.values()],
    [...RLIMITS.keys()].map((_, number) => number),
  );
  t.is(RLIMITS.size, 16);
  t.is(rlimitNumber('NOFILE'), undefined);
  t.true(ULIMIT_NAMES.includes('nofile'));
  t.is(RLIM_INFINITY, 18446744073709551615n);
});

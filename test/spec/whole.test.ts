import test from 'ava';
import { UserError } from '../../src/errors.js';
import { parseWhole } from '../../src/spec/whole.js';

test('whole numbers', (t) => {
  t.is(parseWhole('pids-limit', '-1'), -1);
  t.is(parseWhole('pids-limit', '64'), 64);
  t.is(parseWhole('cpu-shares', '512'), 512);
  for (const text of ['0', '-2', '1.5', '', ' 1', '1e2', '4194305', '9'.repeat(30)])
    t.throws(() => parseWhole('pids-limit', text), { instanceOf: UserError }, text);
  for (const text of ['1', '-1', '262145']) t.throws(() => parseWhole('cpu-shares', text), { instanceOf: UserError }, text);
});

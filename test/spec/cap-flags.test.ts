import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { checkCapability, parseCapabilities, toCapabilities } from '../../src/spec/cap-flags.js';
import { CAPABILITIES, capabilityMask } from '../../src/spec/capabilities.js';
import { defaultCapabilities } from '../../src/spec/defaults.js';

const EVERY = capabilityMask(CAPABILITIES);
const kept = defaultCapabilities().bounding;
const sets = (options: { capAdd?: string[]; capDrop?: string[]; privileged?: boolean }, had = EVERY): string[] =>
  toCapabilities({ name: 'box', ...options }, had).bounding;

test('with or without CAP_, in any case, with commas', (t) => {
  t.deepEqual(parseCapabilities('--cap-add', 'net_admin,CAP_Sys_Time,all'), ['CAP_NET_ADMIN', 'CAP_SYS_TIME', 'ALL']);
  t.is(t.throws(() => parseCapabilities('--cap-add', 'sys_admn'), { instanceOf: UserError })?.hint, 'did you mean CAP_SYS_ADMIN?');
  for (const bad of ['', ' kill', 'CAP_', '21', '__proto__']) t.throws(() => checkCapability(bad, 'x'), { instanceOf: UserError }, bad);
});

test('one is added, one is dropped', (t) => {
  t.deepEqual(sets({ capAdd: ['CAP_NET_ADMIN'] }), [...kept, 'CAP_NET_ADMIN']);
  t.deepEqual(sets({ capAdd: ['CAP_KILL'] }), kept);
  t.deepEqual(
    sets({ capDrop: ['CAP_KILL', 'CAP_SYS_ADMIN'] }),
    kept.filter((name) => name !== 'CAP_KILL'),
  );
});

test('ALL dropped leaves what is added; ALL added is all that there is, without the dropped', (t) => {
  t.deepEqual(sets({ capDrop: ['ALL'] }), []);
  t.deepEqual(sets({ capDrop: ['ALL'], capAdd: ['CAP_CHOWN'] }), ['CAP_CHOWN']);
  t.deepEqual(sets({ capAdd: ['ALL'] }, 0b1011n), ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER']);
  t.deepEqual(sets({ capAdd: ['ALL'], capDrop: ['CAP_FOWNER'] }, 0b1011n), ['CAP_CHOWN', 'CAP_DAC_OVERRIDE']);
  t.is(sets({ privileged: true }).length, CAPABILITIES.length);
  t.is(sets({ privileged: true, capDrop: ['CAP_SYS_MODULE'] }).length, CAPABILITIES.length - 1);
});

const names = fc.subarray([...CAPABILITIES] as string[]);
test('whatever is asked: what is dropped is not there, what is added is, nothing is inheritable or ambient', (t) => {
  fc.assert(
    fc.property(names, names, fc.boolean(), (add, drop, everything) => {
      const capAdd = add.filter((name) => !drop.includes(name));
      const made = toCapabilities({ name: 'box', capAdd, capDrop: everything ? ['ALL'] : drop }, EVERY);
      t.true(capAdd.every((name) => made.bounding.includes(name)));
      t.false((everything ? kept : drop).some((name) => made.bounding.includes(name) && !capAdd.includes(name)));
      t.deepEqual([made.effective, made.permitted, made.inheritable, made.ambient], [made.bounding, made.bounding, [], []]);
    }),
  );
});

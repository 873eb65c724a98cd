import type { HostFacts } from '../../host/facts.js';
import { holdingMount, type MountEntry } from '../../host/mounts.js';
import { checkMappable } from '../../idmap.js';
import { stageDev } from '../../plan/devices.js';
import { mountAll } from '../../plan/mounts.js';
import { CLONE_FLAGS } from '../../plan/numbers.js';
import { openRoot, stageRoot } from '../../plan/rootfs.js';
import { type HostPath, isOp, step, toHostPath } from '../../plan/step.js';
import { joinUserNamespace, makeUserNamespace } from '../../plan/user.js';
import { chooseRootfs } from '../../rootfs.js';
import type { Check, Context, Finding, Fix, ProbeFailure } from '../check.js';
import { allEnded, elsewhere, toldElsewhere } from '../finding.js';
import { defaultContainer, emptyRoot, onlyUserNamespace } from '../layouts.js';
import { reachedLimit } from '../namespace-limit.js';
import { note } from '../probe-plan.js';
import { remount } from '../root-fix.js';

const ID = 'user-namespace';
const COST = '`crt run` needs --userns host each time: root inside is then root of the host, less capabilities';

export const userNamespace: Check = {
  id: ID,
  group: 'isolation',
  title: 'a user namespace of its own',
  proves:
    'A user namespace is made and its ids are mapped; a process in it mounts proc, sysfs and the rest; the rootfs is mounted with its ids mapped, and an overlay over that: the steps of a start.',
  why: 'Root inside is then an id that nobody has outside: whoever breaks out owns nothing, and no capability counts on the host.',
  repair:
    'Raise user.max_user_namespaces; put the rootfs on ext4, xfs, btrfs or the like; start the outer container with /proc and /sys unmasked. Else `--userns host` goes without.',
  needsRoot: true,
  run: async (context) => {
    const rootfs = chooseRootfs(context.rootfs, context.env, { writable: false, mounts: context.facts.mounts });
    // What the overlay of a run lies on; of the `host` rootfs what is bound with mapped ids.
    const lower = rootfs.kind === 'host' ? toHostPath('/usr') : rootfs.path;
    checkMappable(context.facts, [
      ['the rootfs ', rootfs.path],
      ['', lower],
    ]);
    const [inside, mapped] = await allEnded([mountInside(context), mapRoot(context, lower)] as const);
    // The first step of both; the one for the mounts makes other namespaces as well, whose limits count there.
    if (!mapped.ok && mapped.op === 'userns') return [tell(mapped, lower, context.facts)];
    if (!inside.ok && inside.op === 'userns') return [elsewhere('namespaces')];
    const failures = [inside, mapped].flatMap((result) => (result.ok ? [] : [tell(result, lower, context.facts)]));
    return failures.length > 0
      ? failures
      : [{ verdict: 'pass', observed: `root inside is nobody outside: ids are mapped, those of ${lower} too` }];
  },
};

/** The mounts of a container by a process that has no rights outside. */
function mountInside(context: Context): ReturnType<Context['probe']> {
  const container = defaultContainer(context);
  const { config, layout } = container;
  return context.probe({
    stage: [makeUserNamespace(config), ...emptyRoot(container), ...stageDev(config, layout), ...joinUserNamespace(config)],
    namespaces: CLONE_FLAGS.mount | CLONE_FLAGS.pid,
    init: [step('unshare', 'init', { namespaces: CLONE_FLAGS.cgroup }, note), ...openRoot(layout), ...mountAll(config, layout)],
  });
}

function mapRoot(context: Context, lower: HostPath): ReturnType<Context['probe']> {
  const { config, layout } = defaultContainer(context, { lower });
  const alone = onlyUserNamespace(config);
  return context.probe({ stage: [makeUserNamespace(alone), ...stageRoot(layout, alone)] });
}

function tell(failed: ProbeFailure, lower: HostPath, { mounts }: HostFacts): Finding {
  const isLayer = failed.op === 'overlay' && failed.code !== 'ENODEV';
  const told = toldElsewhere(failed, ID, isLayer ? ['overlay'] : []);
  if (told) return told;
  const { step: refused } = failed;
  const place = isOp(refused, 'mount') ? refused.operands.target : undefined;
  const what =
    place !== undefined
      ? `in a user namespace ${place} cannot be mounted`
      : isLayer || failed.op === 'bind-source'
        ? `the ids of ${lower} cannot be mapped`
        : 'no user namespace can be made';
  if (failed.op === 'userns' && failed.code === 'EROFS') return readOnly(failed, mounts);
  const limit = failed.op === 'userns' && failed.code === 'ENOSPC' ? reachedLimit('user') : undefined;
  return {
    verdict: 'fail',
    observed: `${what}: ${failed.reason}${limit?.words ?? ''}`,
    expected: EXPECTED,
    cost: COST,
    fix: limit?.fix ?? fixFor(failed, place),
  };
}

function readOnly({ reason }: ProbeFailure, mounts: readonly MountEntry[]): Finding {
  const proc = holdingMount('/proc', mounts);
  return {
    verdict: 'fail',
    observed: `/proc is mounted read-only: no ids can be mapped: ${reason}`,
    expected: 'a /proc that can be written to',
    cost: 'no container can be started',
    ...(proc === undefined ? {} : { fix: { commands: [remount(proc)] } }),
  };
}

const EXPECTED = 'a user namespace in which a container can be put together';

function fixFor(failed: ProbeFailure, place: string | undefined): Fix {
  if (place !== undefined)
    return {
      advice:
        'crt runs inside another container, or something is mounted over parts of /proc or /sys. Start the outer container with --security-opt systempaths=unconfined (docker) or --security-opt unmask=ALL (podman), unmount what findmnt -R /proc shows, or give --userns host',
    };
  if (failed.op === 'overlay' || failed.op === 'bind-source')
    return { advice: 'copy the rootfs to ext4, xfs or btrfs and name it with --rootfs, or give --userns host' };
  return { advice: 'run crt as root of the host, not inside another container, or give --userns host' };
}

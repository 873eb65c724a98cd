import { getSystemErrorMap } from 'node:util';
import { StepError } from './errors.js';
import { filterFlagNames, limitName } from './explain/numbers.js';
import { shellWord } from './format/shell-word.js';
import { MAKE_NULL } from './launch/launch.js';
import { checkOf, isAsked, isNamed } from './op-checks.js';
import { type HostPath, isOp, type Plan, type Step } from './plan/step.js';

const READ_ONLY = ['/proc is mounted read-only', 'sudo mount -o remount,rw /proc'] as const;
const MISFIT = ['a directory cannot be mounted on a file, nor a file on a directory', 'choose another place in the container'] as const;

/** Why a verb fails with an errno, and what to do: only where that is known. Keys: `op ERRNO`, or `* ERRNO`. */
const CAUSES: Readonly<Record<string, readonly [cause: string, hint: string]>> = {
  '* EPERM': [
    'the kernel does not let this process do it: crt runs without a capability that it needs, or inside another container',
    'run it as root of the host: sudo crt run …',
  ],
  '* ENOSYS': [
    'this kernel, or a filter around crt, does not have the system call',
    'crt needs Linux 5.12; inside another container its seccomp profile must allow it',
  ],
  '* ENOMEM': ['the kernel is out of memory for it', 'free some memory: free -h'],
  '* EMFILE': ['too many files are open in this process', 'raise the limit: ulimit -n 1024'],
  '* ENFILE': ['too many files are open on this machine', 'raise fs.file-max'],
  '* ENOSPC': [
    'something is full: the disk, or one of the limits in /proc/sys/user',
    'df -h /var/lib/crt /run; grep . /proc/sys/user/max_*_namespaces',
  ],
  'clone ENOSPC': ['the limit on namespaces is reached', 'grep . /proc/sys/user/max_*_namespaces'],
  'stage ENOSPC': ['the limit on mount namespaces is reached', 'cat /proc/sys/user/max_mnt_namespaces'],
  'target ESRCH': ['the container has ended meanwhile', 'crt ps'],
  'enter ESRCH': ['the container has ended meanwhile', 'crt ps'],
  'clone EAGAIN': ['the limit on processes is reached', 'ulimit -u; cat /sys/fs/cgroup/pids/pids.max'],
  'stage EAGAIN': ['the limit on processes is reached', 'ulimit -u; cat /sys/fs/cgroup/pids/pids.max'],
  'clone EINVAL': ['the kernel does not know one of the namespaces', 'ls /proc/self/ns'],
  'overlay EINVAL': [
    'the kernel refuses these layers: the rootfs or the layer is on a file system that overlay cannot take',
    'try --writable-rootfs, or put CRT_LAYERS_DIR on ext4 or xfs',
  ],
  'overlay ENODEV': ['the kernel has no overlay file system', 'sudo modprobe overlay, or use --writable-rootfs'],
  'mount ENODEV': ['the kernel does not have this file system', 'grep . /proc/filesystems'],
  'mount EINVAL': [
    'the place in the rootfs is not a directory, or the file system does not take one of the options',
    'choose another place in the container',
  ],
  'mount ELOOP': [
    'the place in the rootfs is a symbolic link, which could move what is mounted there',
    'make it a real directory in the rootfs',
  ],
  'mount ENOTDIR': ['the place in the rootfs is not a directory', 'make it a directory in the rootfs'],
  'bind EINVAL': MISFIT,
  'bind ENOTDIR': MISFIT,
  'bind EISDIR': MISFIT,
  'bind EEXIST': MISFIT,
  'bind-source ENOENT': ['the source of a mount is gone', 'look at the -v and --mount flags'],
  'bind-source EINVAL': [
    'the file system, or one mounted below it, cannot map ids for a user namespace',
    '--userns host goes without one; or name a folder without other mounts in it',
  ],
  'bind-source EPERM': ['its ids are mapped already, or may not be mapped here', '--userns host goes without a user namespace'],
  'userns ENOSPC': [
    'the limit on user namespaces, or on network, uts or ipc namespaces, is reached',
    'grep . /proc/sys/user/max_*_namespaces; or --userns host',
  ],
  'userns EUSERS': ['user namespaces are nested too deeply here', '--userns host'],
  'userns EPERM': ['user namespaces may not be made here', 'cat /proc/sys/user/max_user_namespaces; or --userns host'],
  'userns EROFS': READ_ONLY,
  'oom-score EROFS': READ_ONLY,
  'mount EPERM': [
    'in a user namespace the kernel shows /proc and /sys only where the host has them uncovered: crt runs inside another container',
    '--userns host',
  ],
  // The helper says which file has no such name.
  'user ESRCH': ['', 'give a number: -u 1000:1000'],
  'identity EINVAL': [
    'this user, or one of its groups, is none of the ids of the user namespace, 0 to 65535',
    'a smaller id in /etc/passwd and /etc/group of the rootfs, or --userns host',
  ],
  'cwd ENOTDIR': ['there is a file in its place', 'choose another -w'],
  'rlimit EPERM': ['a hard limit can only be lowered here', 'give a lower --ulimit'],
  'exec ENOENT': [
    'there is no such program in the container, or its interpreter is missing',
    'look at its first line (#!) or its ELF interpreter: readelf -l',
  ],
  'exec EACCES': ['the file is not executable for this user, or on a noexec mount', 'chmod +x it, or give it to its interpreter'],
  'exec ENOEXEC': [
    'it is no program that this kernel can run: a script without #!, or for another machine',
    'run it by its interpreter: sh SCRIPT',
  ],
  'exec EPERM': [
    'a filter of system calls does not let the command begin',
    'a profile of --security-opt seccomp=FILE must allow execve and exit_group',
  ],
  'exec E2BIG': ['arguments and environment are too long together', 'pass them in a file'],
  'seccomp EINVAL': [
    'this kernel does not take the filter, or one of its flags',
    'look at the flags in the profile of --security-opt seccomp=FILE',
  ],
  'keyring EDQUOT': ['the quota of kernel keys is used up', 'cat /proc/key-users'],
  'caps EPERM': ['crt itself does not have a capability that the container is to have', 'capsh --print'],
  'device-filter EINVAL': ['the kernel has no device filters for cgroup version 2', 'use a kernel with CONFIG_CGROUP_BPF'],
  'device-filter EPERM': [
    'crt runs without the capabilities for it, inside another container, or a cgroup above has a filter that allows no other beside it',
    'run it as root of the host: sudo crt run …',
  ],
  'exec-label ENOENT': ['no profile of this name is loaded', 'sudo aa-status'],
  'exec-label EINVAL': ['the policy in force does not know this label, or no security module listens here', 'sudo aa-status; sestatus'],
  'exec-label EACCES': ['the policy in force does not let crt start a program under this label', 'sudo dmesg | grep -i -E "apparmor|avc"'],
  'device EPERM': ['device nodes may not be made here', 'run it as root of the host'],
};

/** The errno's name and words: `ENOENT`, `no such file or directory`. */
export function describeErrno(errno: number): { code: string; words: string } {
  const [code, words] = getSystemErrorMap().get(-errno) ?? LINUX_ONLY[errno] ?? [`errno ${errno}`, 'unknown error'];
  return { code, words };
}

/** What Linux has and libuv's table has not. */
const LINUX_ONLY: Readonly<Record<number, readonly [string, string]>> = {
  8: ['ENOEXEC', 'exec format error'],
  19: ['ENODEV', 'no such device'],
  74: ['EBADMSG', 'bad message'],
  122: ['EDQUOT', 'disk quota exceeded'],
  126: ['ENOKEY', 'required key not available'],
  130: ['EOWNERDEAD', 'owner died'],
};

/** The step by its number, its verb and the operands that matter to people. */
export function describeStep(index: number, step: Step): string {
  const operands = step.operands as Record<string, unknown>;
  const shown = ['type', 'source', 'path', 'target', 'name', 'key', 'spec', 'label', 'directory', 'candidates']
    .map((key) => operands[key])
    .filter((value) => typeof value === 'string' || (Array.isArray(value) && value.length > 0))
    .map((value) => (Array.isArray(value) ? value.join(', ') : String(value)));
  if (isOp(step, 'rlimit')) shown.push(limitName(step.operands.resource));
  if (isOp(step, 'seccomp')) shown.push(...filterFlagNames(step.operands.flags));
  return `step ${index + 1} (${[step.op, ...shown].join(' ')})`;
}

/** The source of a bind on the host, which people know, where the step names its place in the staging area, which they do not. */
function sourceOf(plan: Plan, step: Step<'bind'>): HostPath | undefined {
  const places = plan.steps.filter((other) => isOp(other, 'bind-source'));
  return places.find(({ operands }) => operands.target === step.operands.source)?.operands.source;
}

/** As people asked for it. */
function asGiven(plan: Plan, step: Step): { step: Step; hint?: string } {
  const source = isOp(step, 'bind') ? sourceOf(plan, step) : undefined;
  if (!isOp(step, 'bind') || source === undefined) return { step };
  return {
    step: { ...step, operands: { ...step.operands, source } },
    hint: `look at -v ${shellWord(`${source}:${step.operands.target}`)}, or its --mount`,
  };
}

/** What the file system said (fsmount.c), else the helper itself, which refuses with EXDEV where a link leads away. */
const KERNEL_SPEAKS: ReadonlySet<string> = new Set(['mount', 'overlay', 'staging']);

/** Verbs with nothing to say themselves, one of which is the first step. */
const BEGINNINGS: ReadonlySet<string> = new Set(['on-orphan', 'pipes', 'stage']);

/** The error of a step that failed in the kernel: what, why in words, the likely cause, what to type next. */
export function stepError(plan: Plan, failed: { index: number; errno: number; text: string }): StepError {
  const found = plan.steps[failed.index];
  const { step, hint: asked } = found === undefined ? { step: found } : asGiven(plan, found);
  const op = step?.op ?? 'unknown';
  const { code, words } = describeErrno(failed.errno);
  const what = step ? describeStep(failed.index, step) : `step ${failed.index + 1}`;
  const known = {
    index: failed.index,
    op,
    errno: failed.errno,
    ...(step ? { check: checkOf(step, code), isAsked: isAsked(step, code) } : {}),
  };
  if (failed.errno === 0) {
    return new StepError(`${what} did not end: its process was ${failed.text}`, {
      ...known,
      hint: 'if nobody killed it on purpose: dmesg | tail',
    });
  }
  // What the helper looks at before it begins.
  if (BEGINNINGS.has(op) && failed.index === 0 && failed.text) return new StepError(`the helper does not begin: ${failed.text}`, known);
  const [cause, usual] = CAUSES[`${op} ${code}`] ?? CAUSES[`* ${code}`] ?? [undefined, undefined];
  // Of the masks: nobody has named it.
  const isOwnNull = step !== undefined && isOp(step, 'bind-source') && step.operands.source === '/dev/null' && !isNamed(step);
  const hint = isOwnNull && code === 'ENOENT' ? `sudo ${MAKE_NULL}` : (asked ?? usual);
  const kernel = failed.text ? `${KERNEL_SPEAKS.has(op) && code !== 'EXDEV' ? '; the kernel says' : ''}: ${failed.text}` : '';
  const exitCode = op !== 'exec' ? 125 : code === 'ENOENT' ? 127 : 126;
  return new StepError(`${what} failed: ${words} (${code})${kernel}${cause ? `. ${cause[0]?.toUpperCase()}${cause.slice(1)}` : ''}`, {
    ...known,
    ...(hint ? { hint } : {}),
    exitCode,
  });
}

import type { OpName } from '../plan/ops.js';
import type { Step } from '../plan/step.js';
import { isOp } from '../plan/step.js';
import { type Meaning, OUTSIDE } from './ops-outside.js';

export type { Meaning };

/** Total over the vocabulary: a new op does not compile without its explanation. */
export const MEANINGS: Readonly<Record<OpName, Meaning>> = {
  ...OUTSIDE,
  'parent-death': {
    syscalls: ['prctl(PR_SET_PDEATHSIG)'],
    man: ['prctl(2)'],
    purpose: 'Asks the kernel to kill this process as soon as its parent dies.',
  },
  'cgroup-join': {
    syscalls: ['write'],
    man: ['cgroups(7)'],
    purpose: 'Writes 0, "me", to the tasks file of a control group: from now on its limits count.',
  },
  unshare: {
    syscalls: ['unshare'],
    man: ['unshare(2)', 'cgroup_namespaces(7)'],
    purpose: 'Moves the process into one more new namespace; where it is in the cgroup tree becomes the top of the tree it sees.',
  },
  loopback: {
    syscalls: ['socket', 'ioctl(SIOCGIFFLAGS)', 'ioctl(SIOCSIFFLAGS)'],
    man: ['netdevice(7)', 'network_namespaces(7)'],
    purpose: 'A new network namespace has one device, lo, and it is down: this switches it on.',
  },
  hostname: {
    syscalls: ['sethostname'],
    man: ['sethostname(2)', 'uts_namespaces(7)'],
    purpose: "Sets the host name of the container's UTS namespace; the machine keeps its own.",
  },
  domainname: {
    syscalls: ['setdomainname'],
    man: ['setdomainname(2)', 'uts_namespaces(7)'],
    purpose: "Sets the NIS domain name of the container's UTS namespace.",
  },
  root: {
    syscalls: ['openat(O_PATH)', 'open_tree(OPEN_TREE_CLONE)', 'mount_setattr', 'move_mount'],
    man: ['open(2)', 'pivot_root(2)', 'path_resolution(7)'],
    purpose: 'Holds on to the folder that will be /: every path of the container is looked up below this descriptor.',
  },
  mount: {
    syscalls: ['fsopen', 'fsconfig', 'fsmount', 'openat2', 'move_mount'],
    man: ['mount(2)'],
    purpose: 'Makes a new file system, still nameless, and then hangs it on a folder inside the container.',
  },
  bind: {
    syscalls: ['open_tree', 'mount_setattr', 'openat2', 'move_mount'],
    man: ['mount(2)', 'mount_setattr(2)'],
    purpose: 'Shows a file or folder from the workbench at a second place, inside the container.',
  },
  device: {
    syscalls: ['openat2', 'mknodat', 'fchownat'],
    man: ['mknod(2)'],
    purpose: 'Makes a device node: a name for a driver of the kernel, told by its two numbers.',
  },
  symlink: {
    syscalls: ['openat2', 'symlinkat'],
    man: ['symlink(2)', 'symlink(7)'],
    purpose: 'Makes a symbolic link: a name that stands for another path.',
  },
  mask: {
    syscalls: ['openat2', 'open_tree', 'mount_setattr', 'move_mount'],
    man: ['proc(5)', 'mount(2)'],
    purpose: 'Covers a path with /dev/null or an empty folder: it is there, but there is nothing in it.',
  },
  readonly: {
    syscalls: ['openat2', 'open_tree', 'mount_setattr', 'move_mount'],
    man: ['mount_setattr(2)', 'proc(5)'],
    purpose: 'Mounts a path over itself, read-only: what it says can be read, the knobs cannot be turned.',
  },
  sysctl: {
    syscalls: ['openat2', 'fstatfs', 'write'],
    man: ['proc(5)', 'sysctl(8)'],
    purpose: 'Sets a parameter of the kernel that each namespace has for itself.',
  },
  console: {
    syscalls: ['openat2', 'ioctl(TIOCGPTPEER)', 'open_tree', 'move_mount', 'ioctl(TIOCSCTTY)', 'dup2', 'sendmsg(SCM_RIGHTS)'],
    man: ['pty(7)', 'ioctl_tty(2)'],
    purpose:
      "Opens a new terminal in the container's own devpts, makes it stdin, stdout and stderr, and sends its other end to the monitor.",
  },
  stdio: {
    syscalls: ['fstat', 'openat2', 'dup2'],
    man: ['null(4)', 'dup(2)'],
    purpose: "Swaps the host's /dev/null behind stdin, stdout or stderr for the container's own.",
  },
  pivot: {
    syscalls: ['fchdir', 'pivot_root', 'umount2(MNT_DETACH)', 'chdir'],
    man: ['pivot_root(2)'],
    purpose: "The folder becomes /, and the host's whole tree is unmounted: unlike with chroot(2), there is no way back.",
  },
  remount: {
    syscalls: ['openat2', 'mount_setattr'],
    man: ['mount_setattr(2)'],
    purpose: 'Changes the attributes of a mount that is in place.',
  },
  session: {
    syscalls: ['setsid'],
    man: ['setsid(2)', 'credentials(7)'],
    purpose: 'Starts a session of its own, which no terminal controls: Ctrl-C at yours cannot reach it, nor can it type into yours.',
  },
  keyring: {
    syscalls: ['keyctl(KEYCTL_JOIN_SESSION_KEYRING)'],
    man: ['session-keyring(7)', 'keyctl(2)'],
    purpose: "Takes a new, empty keyring: the keys that the kernel keeps for the caller are out of the container's reach.",
  },
  user: {
    syscalls: ['openat2', 'mmap'],
    man: ['passwd(5)', 'group(5)'],
    purpose: "Looks the user up in the container's own files, never in the host's.",
  },
  rlimit: {
    syscalls: ['prlimit64'],
    man: ['getrlimit(2)'],
    purpose: 'Limits what one process may use; the first number is what counts, the second how far it may be raised.',
  },
  'oom-score': {
    syscalls: ['openat', 'write'],
    man: ['proc(5)'],
    purpose: 'Says how readily the kernel kills this process when memory runs out: -1000 never, 1000 first.',
  },
  signals: {
    syscalls: ['rt_sigaction', 'rt_sigprocmask'],
    man: ['signal(7)', 'sigaction(2)'],
    purpose: 'Forgets what the caller had ignored or blocked: ignored signals would stay so over exec.',
  },
  umask: {
    syscalls: ['umask'],
    man: ['umask(2)'],
    purpose: 'The permission bits that new files do not get.',
  },
  bounding: {
    syscalls: ['prctl(PR_CAPBSET_DROP)'],
    man: ['capabilities(7)', 'prctl(2)'],
    purpose: 'Drops capabilities for good: even a setuid-root program can never have one outside this set.',
  },
  identity: {
    syscalls: ['prctl(PR_SET_KEEPCAPS)', 'setgroups', 'setresgid', 'setresuid'],
    man: ['credentials(7)', 'setresuid(2)', 'setgroups(2)'],
    purpose: 'Becomes the user: groups first, as only root may set them, the user id last.',
  },
  caps: {
    syscalls: ['capset', 'prctl(PR_CAP_AMBIENT)'],
    man: ['capabilities(7)', 'capset(2)'],
    purpose: "Root's power comes in some forty pieces: this keeps the few that a container needs.",
  },
  cwd: {
    syscalls: ['openat2', 'fchdir', 'getcwd'],
    man: ['chdir(2)', 'getcwd(2)'],
    purpose: 'Goes to the folder in which the command starts, and makes sure that it is inside.',
  },
  'no-new-privs': {
    syscalls: ['prctl(PR_SET_NO_NEW_PRIVS)'],
    man: ['prctl(2)'],
    purpose: 'From now on no exec can add rights: setuid bits and file capabilities count for nothing.',
  },
  listener: {
    syscalls: ['seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER)', 'sendmsg(SCM_RIGHTS)'],
    man: ['seccomp_unotify(2)', 'seccomp(2)'],
    purpose: 'Loads a filter by which mount(2) waits for an answer from outside, and sends the monitor the descriptor to give it by.',
  },
  'exec-label': {
    syscalls: ['openat2', 'fstatfs', 'write'],
    man: ['proc_pid_attr(5)', 'apparmor(7)', 'selinux(8)'],
    purpose: 'Tells the security module of the kernel under which of its profiles the next program is to run.',
  },
  seccomp: {
    syscalls: ['seccomp'],
    man: ['seccomp(2)', 'bpf(4)'],
    purpose: 'Loads a filter that the kernel runs at every system call of the container; it can only get stricter.',
  },
  'close-fds': {
    syscalls: ['close_range(CLOSE_RANGE_CLOEXEC)'],
    man: ['close_range(2)'],
    purpose: 'Marks every open file but stdin, stdout and stderr to be closed by exec.',
  },
  exec: {
    syscalls: ['execve'],
    man: ['execve(2)'],
    purpose: 'The end of the start: the helper turns into your command.',
  },
  look: {
    syscalls: ['openat2', 'fstat'],
    man: ['openat2(2)'],
    purpose: 'Looks what a path in the container names, if anything, without leaving its root.',
  },
  archive: {
    syscalls: ['openat2', 'openat(O_NOFOLLOW)', 'fstat', 'fstatfs', 'getdents64', 'read', 'write'],
    man: ['openat2(2)'],
    purpose: 'Writes a file or a folder to stdout, entry by entry, going from descriptor to descriptor and following no link.',
  },
  extract: {
    syscalls: ['read', 'openat2', 'openat(O_CREAT|O_EXCL|O_NOFOLLOW)', 'write', 'fchown', 'fchmod', 'utimensat'],
    man: ['openat2(2)'],
    purpose: 'Makes files and folders of what comes from stdin, each by the descriptor of its folder, whatever links are put in the way.',
  },
};

/** What a file system is described in, beside mount(2). */
const FILE_SYSTEM_PAGES: Readonly<Record<string, string>> = {
  proc: 'proc(5)',
  sysfs: 'sysfs(5)',
  tmpfs: 'tmpfs(5)',
  devpts: 'pts(4)',
  mqueue: 'mq_overview(7)',
  cgroup: 'cgroups(7)',
  cgroup2: 'cgroups(7)',
};

/** The meaning of one step: that of its op, with the pages and calls that its operands add. */
export function meaningOf(step: Step): Meaning {
  const meaning = MEANINGS[step.op];
  if (isOp(step, 'mount')) {
    const page = FILE_SYSTEM_PAGES[step.operands.type];
    return page ? { ...meaning, man: [page, ...meaning.man] } : meaning;
  }
  if (isOp(step, 'clone') && step.operands.cgroup !== undefined) {
    return { ...meaning, syscalls: ['clone3(CLONE_PARENT|CLONE_PIDFD|CLONE_INTO_CGROUP)'], man: [...meaning.man, 'cgroups(7)'] };
  }
  return meaning;
}

import type { OpName } from '../plan/ops.js';

/** What an op is, for someone who wants to know how a container is made. */
export interface Meaning {
  /** The system calls by which the helper carries it out, in order. Plumbing (close, fstat of its own files) is left out. */
  readonly syscalls: readonly string[];
  /** Where to read on: `name(section)`, most to the point first. */
  readonly man: readonly string[];
  /** One sentence. */
  readonly purpose: string;
}

/** What is done outside of the container: the steps of monitor and stage up to the birth of init. */
export const OUTSIDE = {
  'on-orphan': {
    syscalls: [],
    man: ['execve(2)'],
    purpose: 'Keeps a command line in mind, which the monitor turns into should crt itself be killed; it cleans up the host.',
  },
  pipes: {
    syscalls: ['fcntl(F_DUPFD_CLOEXEC)', 'pipe2', 'fchmod', 'dup2'],
    man: ['pipe(7)', 'unix(7)'],
    purpose: "Puts pipes of the container's own in place of the caller's, which it could not open again by name; the monitor copies.",
  },
  stage: {
    syscalls: ['clone3(CLONE_NEWNS|CLONE_FILES)'],
    man: ['clone(2)', 'mount_namespaces(7)'],
    purpose: "Makes a short-lived child that has its own copy of the mount table, but shares the monitor's open files.",
  },
  report: {
    syscalls: ['sendmsg'],
    man: ['unix(7)', 'sendmsg(2)'],
    purpose: 'Tells crt over a socket what was found, and goes on meanwhile.',
  },
  await: {
    syscalls: ['read'],
    man: ['unix(7)'],
    purpose: 'Stops until crt says that it has done its part.',
  },
  control: {
    syscalls: ['openat', 'socket(AF_UNIX)', 'fchdir', 'bind', 'listen'],
    man: ['unix(7)', 'socket(2)'],
    purpose:
      'Opens a socket in the state folder, over which any crt can ask the monitor for a signal, a window size, or to wait for the end.',
  },
  log: {
    syscalls: ['openat', 'openat(O_APPEND)', 'fstat'],
    man: ['open(2)', 'writev(2)'],
    purpose: 'Opens the file that keeps the output of the command, since nobody sits at the other end of its pipes.',
  },
  relay: {
    syscalls: ['recvmsg(SCM_RIGHTS)', 'ioctl(TCSETSW)'],
    man: ['unix(7)', 'termios(3)', 'pty(7)'],
    purpose: "Takes the terminal's master side out of the container through a socket and makes your own terminal pass every key on.",
  },
  answer: {
    syscalls: [
      'recvmsg(SCM_RIGHTS)',
      'ioctl(SECCOMP_IOCTL_NOTIF_RECV)',
      'process_vm_readv',
      'openat2',
      'ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID)',
      'ioctl(SECCOMP_IOCTL_NOTIF_SEND)',
    ],
    man: ['seccomp_unotify(2)', 'process_vm_readv(2)'],
    purpose: 'Takes over the questions: mounting proc on /proc, where it is already, is answered with success, all else with EPERM.',
  },
  propagation: {
    syscalls: ['mount_setattr(AT_RECURSIVE)'],
    man: ['mount_setattr(2)', 'mount_namespaces(7)'],
    purpose: 'Cuts the copy of the mount table loose: what is mounted here stays here, what the host unmounts goes here, too.',
  },
  userns: {
    syscalls: ['clone3(CLONE_NEWUSER)', 'openat', 'write', 'pidfd_send_signal', 'wait4'],
    man: ['user_namespaces(7)', 'clone(2)'],
    purpose:
      'Makes a user namespace, and others that belong to it, by a child that does nothing else, and writes which ids of the host stand for those inside.',
  },
  staging: {
    syscalls: ['fsopen', 'fsconfig', 'fsmount', 'move_mount', 'fchdir'],
    man: ['mount(2)', 'tmpfs(5)'],
    purpose: 'Mounts a small file system in memory as a workbench that nobody else can see.',
  },
  open: {
    syscalls: ['mkdir', 'lchown', 'openat'],
    man: ['open(2)'],
    purpose: 'Opens something of the host and keeps the descriptor: from now on it cannot be swapped for something else.',
  },
  probe: {
    syscalls: ['openat2', 'fstat', 'fstatfs', 'pread64'],
    man: ['openat2(2)', 'statfs(2)', 'elf(5)'],
    purpose: 'Looks for the command without ever leaving the rootfs, and reads the first bytes of its file: is it for this machine?',
  },
  'bind-source': {
    syscalls: ['open_tree(OPEN_TREE_CLONE)', 'mount_setattr', 'move_mount'],
    man: ['mount_setattr(2)', 'mount(2)'],
    purpose: 'Makes a second view of a file or folder of the host, with restrictions that the original does not have.',
  },
  overlay: {
    syscalls: ['fsopen', 'fsconfig', 'fsmount', 'move_mount'],
    man: ['mount(2)', 'mount(8)'],
    purpose: 'Lays a writable layer over the rootfs: reads fall through to it, writes land in the layer.',
  },
  file: {
    syscalls: ['openat', 'fchown', 'write'],
    man: ['open(2)', 'write(2)'],
    purpose: 'Writes a small text to memory, to be shown as a file inside.',
  },
  'device-filter': {
    syscalls: ['bpf(BPF_PROG_LOAD)', 'bpf(BPF_PROG_ATTACH)'],
    man: ['bpf(2)', 'cgroups(7)'],
    purpose: 'Gives the control group a small program that the kernel asks whenever a process in it opens or makes a device.',
  },
  node: {
    syscalls: ['mknod', 'lchown'],
    man: ['mknod(2)', 'null(4)'],
    purpose: 'Makes a device node while there is still the right to do so; root inside can only use it.',
  },
  'join-userns': {
    syscalls: ['setns'],
    man: ['setns(2)', 'user_namespaces(7)'],
    purpose: "Enters the user namespace and those that belong to it, from which no way leads back: of the host's rights none is left.",
  },
  'ids-root': {
    syscalls: ['setgroups', 'setresgid', 'setresuid', 'prctl(PR_SET_PDEATHSIG)'],
    man: ['setresuid(2)', 'user_namespaces(7)'],
    purpose: 'Becomes user 0 of the namespace: until then the process has an id that nothing inside stands for.',
  },
  target: {
    syscalls: ['pidfd_open', 'openat', 'read'],
    man: ['pidfd_open(2)', 'proc_pid_stat(5)'],
    purpose:
      "Takes hold of the container's first process by a descriptor, and makes sure by its start time that it is the one that is meant.",
  },
  enter: {
    syscalls: ['setns', 'openat(O_PATH)', 'openat2', 'fstatfs'],
    man: ['setns(2)', 'namespaces(7)'],
    purpose: 'Enters namespaces that the container has already, all by one call, and with its mounts its root.',
  },
  clone: {
    syscalls: ['clone3(CLONE_PARENT|CLONE_PIDFD)'],
    man: ['clone(2)', 'namespaces(7)', 'pid_namespaces(7)'],
    purpose: 'The birth: one call makes a process and puts it into new namespaces; in its own view it is process number 1.',
  },
} as const satisfies Partial<Record<OpName, Meaning>>;

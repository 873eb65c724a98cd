/** System calls that are there for one purpose, and why a container has it. */
export interface Group {
  readonly purpose: string;
  readonly names: readonly string[];
}

const group = (purpose: string, ...lines: readonly string[]): Group => ({ purpose, names: lines.flatMap((line) => line.split(' ')) });

/**
 * What every container may call. What a call reaches is limited elsewhere, by namespaces, capabilities, mounts and cgroups; what
 * stands here is what programs cannot do without, and what the kernel checks well. Names of x86_64 and of aarch64.
 */
export const ALLOWED: readonly Group[] = [
  group(
    'files: to open, read, write and copy what the mounts hold',
    'open openat openat2 creat close close_range read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 lseek',
    'truncate ftruncate fallocate fsync fdatasync sync syncfs sync_file_range copy_file_range sendfile splice tee vmsplice readahead',
    'fadvise64 cachestat dup dup2 dup3 fcntl flock pipe pipe2',
  ),
  group(
    'folders and names; mknod makes FIFOs, devices need a capability that is not there',
    'mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat mknod mknodat',
    'getcwd chdir fchdir getdents getdents64 umask',
  ),
  group(
    'what is known of a file: type, owner, mode, times, extended attributes',
    'stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 chmod fchmod fchmodat fchmodat2',
    'chown fchown lchown fchownat utime utimes futimesat utimensat file_getattr file_setattr',
    'setxattr lsetxattr fsetxattr setxattrat getxattr lgetxattr fgetxattr getxattrat',
    'listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat',
  ),
  group(
    'memory of its own; the cgroup counts it',
    'mmap munmap mremap mprotect madvise brk mincore msync mlock mlock2 mlockall munlock munlockall mseal membarrier memfd_create',
    'memfd_secret remap_file_pages map_shadow_stack',
  ),
  group(
    'processes: to start, end, wait and be told apart; pids.max counts them, and the PID namespace ends what they see',
    'fork vfork execve execveat exit exit_group wait4 waitid getpid gettid getppid getpgid getpgrp setpgid getsid setsid',
    'set_tid_address prctl arch_prctl getcpu pidfd_open pidfd_send_signal process_mrelease',
  ),
  group('debuggers and strace; since Linux 4.8 a tracer cannot walk around a filter, and capabilities decide whom it may trace', 'ptrace'),
  group('threads and the locks between them', 'futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq'),
  group(
    'who a process is; each change needs a capability, or gives something up',
    'getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid',
    'setgroups capget capset',
  ),
  group(
    'to confine itself further, which cannot give anything back',
    'seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self',
  ),
  group(
    'signals',
    'rt_sigaction rt_sigprocmask rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack',
    'kill tkill tgkill pause signalfd signalfd4 restart_syscall',
  ),
  group(
    'waiting for descriptors and for changes of files',
    'poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2',
    'inotify_init inotify_init1 inotify_add_watch inotify_rm_watch',
  ),
  group(
    'asynchronous files as databases and nginx have them; io_uring is another thing',
    'io_setup io_submit io_getevents io_pgetevents io_cancel io_destroy',
  ),
  group(
    'time, to read and to wait for; adjtimex only reads without CAP_SYS_TIME',
    'time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer setitimer adjtimex clock_adjtime times',
    'timer_create timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime',
  ),
  group(
    'sockets, once made: what they reach is what the network namespace holds',
    'bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown sendto recvfrom sendmsg recvmsg',
    'sendmmsg recvmmsg',
  ),
  group(
    'shared memory, semaphores and queues of the IPC namespace',
    'shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl',
    'mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr',
  ),
  group(
    'how much of the machine it may have; raising needs a capability, and the cgroup is above it',
    'getrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set sched_yield sched_getaffinity',
    'sched_setaffinity sched_getscheduler sched_setscheduler sched_getparam sched_setparam sched_getattr sched_setattr',
    'sched_get_priority_max sched_get_priority_min sched_rr_get_interval',
  ),
  group('what machine this is, and chance', 'uname sysinfo getrandom'),
];

/** What a capability is of no use without. */
export const BY_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: ['bpf'],
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_PERFMON: ['perf_event_open'],
  CAP_SYS_ADMIN: [
    ...['mount', 'umount2', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'open_tree', 'move_mount', 'mount_setattr'],
    ...['clone', 'clone3', 'unshare', 'setns', 'sethostname', 'setdomainname', 'name_to_handle_at', 'quotactl', 'quotactl_fd'],
    ...['bpf', 'perf_event_open', 'fanotify_init', 'fanotify_mark', 'syslog', 'lookup_dcookie'],
  ],
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['init_module', 'finit_module', 'delete_module'],
  CAP_SYS_NICE: ['get_mempolicy', 'set_mempolicy', 'mbind'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: ['kcmp', 'pidfd_getfd', 'process_madvise', 'process_vm_readv', 'process_vm_writev'],
  CAP_SYS_RAWIO: ['iopl', 'ioperm'],
  CAP_SYS_TIME: ['settimeofday', 'clock_settime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
  CAP_SYSLOG: ['syslog'],
};

/**
 * What answers ENOSYS, as if the kernel did not have it: callers then take the older way. clone3(2) hides its flags behind a
 * pointer where no filter sees them, and C libraries go on with clone(2); mount(8) goes on with mount(2); the rest are newer
 * calls with fallbacks.
 */
export const MISSING: readonly string[] = [
  ...['clone3', 'fsopen', 'fsconfig', 'fsmount', 'fspick', 'open_tree', 'open_tree_attr', 'move_mount', 'mount_setattr'],
  ...['statmount', 'listmount', 'lsm_get_self_attr', 'lsm_set_self_attr', 'lsm_list_modules'],
  ...['pkey_alloc', 'pkey_free', 'pkey_mprotect'],
];

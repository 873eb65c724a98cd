import type { Interfaces } from '@oclif/core';

type Option = Interfaces.OptionFlag<string | undefined>;
type Options = Interfaces.OptionFlag<string[] | undefined>;
type Toggle = Interfaces.BooleanFlag<boolean>;
type Note<T> = Partial<T> & { summary: string };

// Plain values, made without oclif: loading it would cost a start more than the container does (docs/decisions).
const option = (note: Note<Option>): Option => ({ type: 'option', name: '', input: [], parse: async (value) => value, ...note });
const options = (note: Note<Options>): Options => ({
  type: 'option',
  name: '',
  input: [],
  multiple: true,
  multipleNonGreedy: true,
  parse: async (value) => value,
  ...note,
});
const toggle = (note: Note<Toggle>): Toggle => ({ type: 'boolean', name: '', allowNo: false, parse: async (value) => value, ...note });

const process = { helpGroup: 'process' };
const limits = { helpGroup: 'limit' };
const files = { helpGroup: 'file' };
const security = { helpGroup: 'security' };
const look = { helpGroup: 'explain' };

/** Every flag of `crt run`, with docker's names and letters. The parser, the help and the manifest read this table. */
export const RUN_FLAGS = {
  env: options({ ...process, char: 'e', helpValue: 'KEY=VALUE', summary: 'Set a variable; KEY alone passes the value it has here' }),
  'env-file': options({ ...process, helpValue: 'FILE', summary: 'Read variables from a file, one KEY=VALUE a line' }),
  workdir: option({ ...process, char: 'w', helpValue: 'DIR', summary: 'Directory to start in; made when it is missing' }),
  user: option({ ...process, char: 'u', helpValue: 'USER[:GROUP]', summary: 'User and group, by name or number, looked up inside' }),
  hostname: option({ ...process, char: 'h', helpValue: 'NAME', summary: 'Hostname, instead of NAME' }),
  init: toggle({ ...process, summary: 'Put a small reaper at PID 1, which passes signals on' }),
  interactive: toggle({ ...process, char: 'i', summary: 'Pass stdin on (the default; -i=false closes it)' }),
  tty: toggle({ ...process, char: 't', allowNo: true, summary: 'Give the command a terminal (default: when stdin and stdout are one)' }),
  rm: toggle({ ...process, summary: 'Leave nothing behind (the default, but with -d)' }),
  detach: toggle({ ...process, char: 'd', summary: 'Leave it to itself once the command runs; crt logs, stop, attach' }),
  restart: option({ ...process, helpValue: 'POLICY', summary: 'With -d: start it again when it ends: no, always, on-failure[:N]' }),
  'log-opt': options({ ...process, helpValue: 'KEY=VALUE', summary: 'With -d: max-size=SIZE of one log file, max-file=N of them' }),

  memory: option({ ...limits, char: 'm', helpValue: 'SIZE', summary: 'Memory: 50 is 50 MiB; 512m, 2g, 1GiB' }),
  'memory-swap': option({ ...limits, helpValue: 'SIZE', summary: 'Memory and swap together (default: no swap); -1 = unlimited' }),
  cpus: option({ ...limits, helpValue: 'N', summary: 'Processors’ worth of time, for example 0.5' }),
  'cpu-shares': option({ ...limits, char: 'c', helpValue: 'N', summary: 'Weight beside others, 2 to 262144 (1024 is usual)' }),
  'cpuset-cpus': option({ ...limits, helpValue: 'LIST', summary: 'Processors to run on, for example 0-1,3' }),
  'pids-limit': option({ ...limits, helpValue: 'N', summary: 'Processes and threads (default 2048); -1 = unlimited' }),
  ulimit: options({ ...limits, helpValue: 'NAME=SOFT[:HARD]', summary: 'A limit of setrlimit(2), for example nofile=1024' }),
  timeout: option({ ...limits, helpValue: 'TIME', summary: 'End the container after 90s, 5m, 1h (exit code 124)' }),

  volume: options({ ...files, char: 'v', helpValue: 'HOST:DIR[:ro]', summary: 'Show a file or folder of the host inside' }),
  mount: options({
    ...files,
    helpValue: 'KEY=VALUE,...',
    summary: 'The same spelled out: type=bind,source=HOST,target=DIR; or type=tmpfs',
  }),
  tmpfs: options({ ...files, helpValue: 'DIR[:size=64m]', summary: 'An empty folder in memory' }),
  rootfs: option({ ...files, helpValue: 'DIR', summary: 'Root file system (default: $CRT_ROOTFS, /ubuntu_rootfs, else host)' }),
  'read-only': toggle({ ...files, summary: 'No writes to the root file system, not even to the layer' }),
  'writable-rootfs': toggle({ ...files, summary: 'Write to the root file system itself, without a layer' }),
  'storage-size': option({ ...files, helpValue: 'SIZE', summary: 'Size of the writable layer; without it the disk is not limited' }),
  keep: toggle({ ...files, summary: 'Keep the writable layer until crt rm' }),

  'cap-add': options({ ...security, helpValue: 'CAP,...', summary: 'Give root inside more capabilities, for example NET_ADMIN; or ALL' }),
  'cap-drop': options({ ...security, helpValue: 'CAP,...', summary: 'Take capabilities away; ALL leaves what --cap-add names' }),
  'security-opt': options({
    ...security,
    helpValue: 'OPTION',
    summary: 'no-new-privileges=, seccomp=, mask=, unmask=, apparmor=, label=: see the manual page',
  }),
  device: options({ ...security, helpValue: 'HOST[:DIR][:rwm]', summary: 'Show a device of the host inside, for example /dev/kvm' }),
  network: option({ ...security, helpValue: 'none|host', summary: 'none: loopback only (the default); host: the network of this machine' }),
  userns: option({ ...security, helpValue: 'auto|host', summary: 'host: root inside is root of this machine' }),
  'group-add': options({ ...security, helpValue: 'GID', summary: 'A further group of the user, by number' }),
  privileged: toggle({
    ...security,
    summary: 'All capabilities, all system calls, all devices allowed, no masks, /sys writable: root inside can take over this machine',
  }),

  explain: toggle({
    ...look,
    helpLabel: '    --explain[=json|sh]',
    summary: 'Show each step of the start; as JSON lines, or as a script for bash',
  }),
  'dry-run': toggle({ ...look, summary: 'Print the plan and touch nothing' }),

  // Known to everybody's fingers and not built yet: said so, never ignored.
  entrypoint: option({ hidden: true, summary: 'Not built yet' }),
  net: option({ hidden: true, summary: 'The same as --network' }),
  image: option({ hidden: true, summary: 'Not built yet' }),
  help: toggle({ hidden: true, summary: 'Show this help' }),
} satisfies Record<string, Option | Options | Toggle>;

export type RunFlagName = keyof typeof RUN_FLAGS;

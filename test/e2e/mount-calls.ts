import { chmodSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { MountOption } from '../../src/options.js';
import { folder } from './support.js';

/** mount(2) as no program would call it: strings at any address. `calls.py`, for the python3 of the rootfs. */
const MODULE = `
import ctypes, errno, json, os, platform, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
MOUNT = 165 if platform.machine() == 'x86_64' else 40

def word(value):
    return ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_void_p(value)

def mount(target=b'/proc', type=b'proc', flags=0, data=None, source=b'proc', number=MOUNT):
    result = libc.syscall(ctypes.c_long(number), word(source), word(target), word(type), ctypes.c_ulong(flags), word(data))
    return 'yes' if result == 0 else errno.errorcode[ctypes.get_errno()]

def table():
    with open('/proc/self/mountinfo') as file:
        return file.read()

# An address, and what lies there from then on.
def put(address, content):
    ctypes.memmove(address, content, len(content))
    return address

# Private memory of so many pages, followed by nothing.
def pages(count):
    begin = libc.mmap(None, (count + 1) * 4096, 3, 0x22, -1, 0)
    libc.munmap(begin + count * 4096, 4096)
    return begin

# What a child says that does something first, chroot(2) for example.
def child(before, ask=mount):
    reader, writer = os.pipe()
    if os.fork() == 0:
        before()
        os.write(writer, ask().encode())
        os._exit(0)
    os.wait()
    return os.read(reader, 100).decode()
`;

/** Where a container finds the module: `python3 -c 'from calls import *; …'` with {@link CALLS_ENV}. */
export async function callsMount(t: ExecutionContext): Promise<MountOption & { source: string }> {
  const source = await folder(t);
  chmodSync(source, 0o755);
  writeFileSync(`${source}/calls.py`, MODULE);
  return { source, target: '/calls', readonly: true };
}

export const CALLS_ENV = { PYTHONPATH: '/calls', PYTHONDONTWRITEBYTECODE: '1' };

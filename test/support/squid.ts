/** Debian's squid as the proxy of an office, with names that no one else here knows. */
import { execFile, spawn } from 'node:child_process';
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const SQUID = '/usr/sbin/squid';
const PASSWORD_CHECK = '/usr/lib/squid/basic_ncsa_auth';

export type Squid = {
  /** `127.0.0.1:PORT`. */
  address: string;
  /** Method, target and status of each request that has ended, oldest first: `CONNECT api.flux.test:443 200`. */
  requests(): Promise<string[]>;
  close(): Promise<void>;
};

export type SquidOptions = {
  /** Names that lead to 127.0.0.1, for squid alone. */
  names?: readonly string[];
  /** Whom it lets through; everybody when absent. */
  user?: { name: string; password: string };
  /** Names that it refuses. */
  denied?: readonly string[];
};

/** Tests with it are skipped, with a warning, where it is not installed. */
export async function hasSquid(): Promise<boolean> {
  const found = await access(SQUID).then(
    () => true,
    () => false,
  );
  if (!found) console.warn(`${SQUID} is not installed (Debian's package squid): tests with a real proxy are skipped`);
  return found;
}

export async function startSquid({ names = [], user, denied = [] }: SquidOptions = {}): Promise<Squid> {
  const folder = await mkdtemp(join(tmpdir(), 'flux-squid-'));
  const at = (name: string): string => join(folder, name);
  const port = await freePort();
  await writeFile(at('hosts'), names.map((name) => `127.0.0.1 ${name}\n`).join(''));
  if (user !== undefined) {
    const { stdout } = await promisify(execFile)('openssl', ['passwd', '-apr1', user.password]);
    await writeFile(at('passwords'), `${user.name}:${stdout}`);
  }
  const lines = [
    `http_port 127.0.0.1:${port}`,
    `hosts_file ${at('hosts')}`,
    'pid_filename none',
    'cache deny all',
    'memory_cache_shared off',
    'coredump_dir none',
    'shutdown_lifetime 0 seconds',
    `cache_log ${at('cache.log')}`,
    'logformat short %rm %ru %>Hs',
    `access_log stdio:${at('access.log')} short`,
    // As root it gives its rights away.
    ...(process.getuid?.() === 0 ? ['cache_effective_user nobody'] : []),
    ...(denied.length === 0 ? [] : [`acl denied dstdomain ${denied.join(' ')}`, 'http_access deny denied']),
    ...(user === undefined
      ? []
      : [
          `auth_param basic program ${PASSWORD_CHECK} ${at('passwords')}`,
          'auth_param basic children 1 startup=1 idle=1',
          'acl known proxy_auth REQUIRED',
          'http_access deny !known',
        ]),
    'http_access allow all',
  ];
  await writeFile(at('squid.conf'), lines.map((line) => `${line}\n`).join(''));
  await chmod(folder, 0o777);
  const child = spawn(SQUID, ['-N', '-n', `flux${port}`, '-f', at('squid.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  await listening(port, ended, at('cache.log'));
  return {
    address: `127.0.0.1:${port}`,
    requests: async () => {
      const log = await readFile(at('access.log'), 'utf8').catch(() => '');
      return log.split('\n').filter((line) => /^[A-Z]+ /u.test(line));
    },
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(port: number, ended: Promise<void>, log: string): Promise<void> {
  let gone = false;
  void ended.then(() => {
    gone = true;
  });
  while (!gone) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`squid ended before it listened: ${await readFile(log, 'utf8').catch(() => 'it left no log')}`);
}

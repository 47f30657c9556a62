/** Certificates of a company of our own, made by `openssl` for one run: no key stands in the repository. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Certificate = { cert: string; key: string };

export type Authority = {
  /** A file for NODE_EXTRA_CA_CERTS. */
  file: string;
  /** A certificate for this name or address; `days` in the past or future shift its time. */
  issue(name: string, options?: { expired?: boolean }): Promise<Certificate>;
  close(): Promise<void>;
};

export async function createAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'flux-certificates-'));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=Test CA');
  let issued = 0;
  return {
    file: at('ca.crt'),
    async issue(name, { expired = false } = {}) {
      issued += 1;
      const id = `leaf-${issued}`;
      const kind = /^[\d.]+$|:/u.test(name) ? 'IP' : 'DNS';
      await writeFile(at(`${id}.ext`), `subjectAltName=${kind}:${name}\nbasicConstraints=CA:FALSE\n`);
      await openssl('req', ...newKey, '-keyout', `${id}.key`, '-out', `${id}.csr`, '-subj', '/CN=leaf');
      const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${id}.ext`];
      // A negative number of days ends it in the past.
      await openssl('x509', '-req', '-in', `${id}.csr`, ...signed, '-out', `${id}.crt`, '-days', expired ? '-1' : '2');
      return { cert: await readFile(at(`${id}.crt`), 'utf8'), key: await readFile(at(`${id}.key`), 'utf8') };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

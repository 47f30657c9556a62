/** Finds the addresses of a host for a connection, and lets it go to none that was not looked at. */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** A host's name leads to where no picture may be fetched from. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

export type Resolve = (host: string, options: LookupOptions) => Promise<readonly LookupAddress[]>;

/**
 * For `connect({ lookup })`: the connection goes to the very addresses that were checked, and each new one asks and
 * checks anew. A host with a single forbidden address is refused: which one is taken would be up to chance.
 */
export function checkedLookup(isAllowed: (address: string) => boolean, resolve: Resolve = resolveAll): LookupFunction {
  return (host, options, callback) => {
    resolve(host, options)
      .then((found) => {
        const refused = found.find(({ address }) => !isAllowed(address));
        if (refused !== undefined) throw new AddressRefused(`${host} has the address ${refused.address}`);
        const [first] = found;
        if (first === undefined) throw new AddressRefused(`${host} has no address`);
        if (options.all) callback(null, [...found]);
        else callback(null, first.address, first.family);
      })
      .catch((error: NodeJS.ErrnoException) => callback(error, '', 0));
  };
}

function resolveAll(host: string, options: LookupOptions): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) =>
    lookup(host, { ...options, all: true }, (error, found) => (error === null ? resolve(found) : reject(error))),
  );
}

/** Finds the addresses of a host for a connection, and lets it go to none that was not checked. */
import { type Resolve, resolveAll } from '../network/connector.ts';

/** A host's name leads to where no picture may be fetched from. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/**
 * The connection goes to the very addresses that were checked, and each new one asks and checks again. A host with a
 * single forbidden address is refused: which one is taken would be up to chance.
 */
export function checkedLookup(isAllowed: (address: string) => boolean, resolve: Resolve = resolveAll): Resolve {
  return async (host) => {
    const found = await resolve(host);
    const refused = found.find(({ address }) => !isAllowed(address));
    if (refused !== undefined) throw new AddressRefused(`${host} has the address ${refused.address}`);
    if (found.length === 0) throw new AddressRefused(`${host} has no address`);
    return found;
  };
}

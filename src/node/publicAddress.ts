import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Ranges that are no public host: the special-purpose registries of IANA (RFC 6890 and its successors), multicast, and the
 * prefixes of IPv6 that wrap an address of IPv4. Clouds serve their metadata, credentials included, on link-local ones.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const special: readonly (readonly [address: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Unspecified, loopback, and the retired form of IPv4 in IPv6.
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['100:0:0:1::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

const specialAddresses = new BlockList();
for (const [address, prefix] of special) specialAddresses.addSubnet(address, prefix, familyOf(address));

/** Addresses that are reached all the same: single ones, or ranges as `10.1.0.0/16`. */
export function allowedAddresses(ranges: readonly string[]): BlockList {
  const allowed = new BlockList();
  for (const range of ranges) {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
    const bits = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) === 0 || Number(prefix ?? 0) > bits) {
      throw new TypeError(`Expected \`allow.addresses\` to hold addresses or ranges as 10.1.0.0/16, got ${JSON.stringify(range)}`);
    }
    allowed.addSubnet(address, Number(prefix ?? bits), familyOf(address));
  }
  return allowed;
}

/** Whether an address may be connected to. One of IPv4 that is mapped into IPv6 is looked at as what it is. */
export function isReachable(address: string, allowed: BlockList): boolean {
  // The zone of a link-local address.
  const plain = address.replace(/%.*$/, '');
  if (isIP(plain) === 0) return false;
  const family = familyOf(plain);
  return !specialAddresses.check(plain, family) || allowed.check(plain, family);
}

/** The error of a host that may not be reached. */
export class ForbiddenAddressError extends Error {
  constructor() {
    super('The host is, or resolves to, an address that is not public');
    this.name = 'ForbiddenAddressError';
  }
}

/**
 * Resolves names as `lookup` does, and refuses them where any of their addresses may not be reached. Given to the socket
 * itself, so that the address which was looked at is the one that is connected to, however the name resolves the next time.
 */
export function guardedLookup(lookup: LookupFunction, allowed: BlockList): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, found, family) => {
      if (error) {
        callback(error, found, family);
        return;
      }
      const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
      const isSafe = addresses.length > 0 && addresses.every((address) => isReachable(address, allowed));
      if (isSafe) callback(null, found, family);
      else callback(new ForbiddenAddressError(), [], family);
    });
  };
}

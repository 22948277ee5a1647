//! What a value of each kind of filter looks like: checked, and brought into the form requests use.
//! Who: the filter text, the filter bar.
//! **Invariant:** pure; a refusal is a translation key that says what would be right.
import { baseOf } from './filters';
import { GONE, GONE_WORDS } from './interface-names';
import { directionName, protocolName, protocolNumber, type PortNames } from './reference';
import { sentence } from './sentence';

export type Checked = { value: string } | { reason: string };

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

const isIpv4 = (text: string): boolean => IPV4.test(text);

const isIpv6 = (text: string): boolean => {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':')) {
    return false;
  }
  try {
    return new URL(`http://[${text}]/`).hostname.length > 2;
  } catch {
    return false;
  }
};

/** An address, a network in CIDR form, or a range of one family. */
export const isAddress = (text: string): boolean => {
  const [address = '', mask, more] = text.split('/');
  if (mask !== undefined) {
    const bits = /^\d{1,3}$/.test(mask) ? Number(mask) : Infinity;
    return more === undefined && ((isIpv4(address) && bits <= 32) || (isIpv6(address) && bits <= 128));
  }
  const [from = '', to, rest] = text.split('-');
  if (to !== undefined) {
    return rest === undefined && ((isIpv4(from) && isIpv4(to)) || (isIpv6(from) && isIpv6(to)));
  }
  return isIpv4(text) || isIpv6(text);
};

export const isMac = (text: string): boolean => /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text);

const MAC_PREFIX = /^([0-9a-f]{2}[:-]){0,5}([0-9a-f]{1,2})?$/i;

const DURATION = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s)?$/;
const NANOSECONDS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

const inUnit = (text: string, unit: 'ns' | 'ms'): string | undefined => {
  const parsed = DURATION.exec(text);
  if (!parsed) {
    return undefined;
  }
  return String(Math.round((Number(parsed[1]) * NANOSECONDS[parsed[2] ?? unit]!) / NANOSECONDS[unit]!));
};

const K8S_NAME = /^[-a-zA-Z0-9.*]*$/;

export const checkValue = (id: string, value: string, ports: PortNames): Checked => {
  const bare = value.replace(/^"(.*)"$/s, '$1');
  if (value === '' || value === '"') {
    return { reason: sentence('A value is missing, as in “port 443” or “interface eth0”') };
  }
  if (value === '""') {
    return { value };
  }
  const base = baseOf(id);
  if (/address/.test(base)) {
    return isAddress(bare)
      ? { value: bare }
      : {
          reason: sentence(
            'An address such as 10.0.0.1, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9'
          )
        };
  }
  if (/port$/.test(base)) {
    const port = /^\d+$/.test(bare) ? Number(bare) : ports.number(bare);
    return port !== undefined && port <= 65_535
      ? { value: String(port) }
      : { reason: sentence('Not a port number or a service name, such as 443 or https') };
  }
  if (base === 'mac') {
    return MAC_PREFIX.test(bare)
      ? { value: bare }
      : { reason: sentence('Not a MAC address or its beginning, such as 02:42:0a') };
  }
  if (base === 'protocol') {
    const protocol = /^\d+$/.test(bare) ? Number(bare) : protocolNumber(bare);
    return protocol !== undefined
      ? { value: String(protocol) }
      : { reason: sentence('Not a protocol name or number, such as tcp or 6') };
  }
  if (/direction/.test(base)) {
    const index = [0, 1, 2].find(
      each => String(each) === bare || directionName(each).toLowerCase() === bare.toLowerCase()
    );
    return index !== undefined ? { value: String(index) } : { reason: sentence('Ingress, Egress or Inner') };
  }
  if (base === 'time_flow_rtt' || base === 'dns_latency') {
    const converted = inUnit(bare, base === 'dns_latency' ? 'ms' : 'ns');
    return converted !== undefined ? { value: converted } : { reason: sentence('A duration such as 10ms') };
  }
  if (/^icmp_|^dns_id$|^xlat_zone/.test(base) && !/^\d+$/.test(bare)) {
    return { reason: sentence('A number, such as 8') };
  }
  // Names of the DNS know more signs than those of Kubernetes.
  if (/name|namespace/.test(base) && base !== 'dns_name' && !K8S_NAME.test(bare)) {
    return { reason: sentence('Letters, digits, dots, dashes and * only') };
  }
  return { value };
};

/** A filter's value as its chip shows it. */
export const showValue = (id: string, value: string, ports: PortNames): string => {
  if (value === '""') {
    return 'n/a';
  }
  const bare = value.replace(/^"(.*)"$/s, '$1');
  const base = baseOf(id);
  if (base === 'protocol' && /^\d+$/.test(bare)) {
    return protocolName(Number(bare));
  }
  if (/port$/.test(base) && /^\d+$/.test(bare)) {
    return ports.label(Number(bare));
  }
  if (/direction/.test(base) && /^\d+$/.test(bare)) {
    return directionName(Number(bare));
  }
  if (base === 'interfaces' && bare === GONE) {
    return GONE_WORDS;
  }
  if (base === 'time_flow_rtt' && /^\d+$/.test(bare)) {
    return `${Number(bare) / 1e6} ms`;
  }
  return base === 'dns_latency' ? `${bare} ms` : bare;
};

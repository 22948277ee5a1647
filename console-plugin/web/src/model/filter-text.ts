//! Understands what people type into the filter bar: `10.0.0.0/8`, `port 443`, `src ns:shop and dst port 5432`.
//! Who: the filter bar.
//! **Invariant:** pure; nothing is guessed silently: a word either becomes a filter or is returned with the reason.
import { addFilter, type Compare, type Filter } from './filters';
import { checkValue, isAddress, isMac } from './filter-values';
import { protocolNumber, TCP_FLAGS, type PortNames } from './reference';
import { sentence } from './sentence';

/** The beginning of an address; of a whole one at most. */
export const BEGUN_ADDRESS = /^(\d{1,3}\.[\d.]*|[\da-f]{1,4}:[\da-f:]*)$/i;

export interface NotUnderstood {
  text: string;
  start: number;
  end: number;
  /** A translation key. */
  reason: string;
}

export interface Understood {
  filters: Filter[];
  errors: NotUnderstood[];
}

/** Words for filters, beside the ids themselves. */
export const ALIASES: Record<string, string> = {
  ip: 'address',
  addr: 'address',
  host: 'address',
  net: 'address',
  ns: 'namespace',
  pod: 'name',
  owner: 'owner_name',
  workload: 'owner_name',
  node: 'host_name',
  subnet: 'subnet_label',
  proto: 'protocol',
  if: 'interfaces',
  iface: 'interfaces',
  interface: 'interfaces',
  dns: 'dns_name',
  domain: 'dns_name',
  rcode: 'dns_flag_response_code',
  latency: 'dns_latency',
  rtt: 'time_flow_rtt',
  flag: 'tcp_flags',
  flags: 'tcp_flags',
  direction: 'ifdirections',
  drop: 'pkt_drop_cause'
};

const SIDES: Record<string, 'src' | 'dst'> = {
  src: 'src',
  source: 'src',
  from: 'src',
  dst: 'dst',
  dest: 'dst',
  destination: 'dst',
  to: 'dst'
};

/** What "not" makes of a comparison; there is no "less than". */
const NEGATED: Partial<Record<Compare, Compare>> = { '=': '!=', '!=': '=', '~': '!~', '!~': '~' };

interface Token {
  text: string;
  start: number;
}

const OPERATOR = /^(!=|>=|!~|=|~|:)/;

const tokenize = (input: string): Token[] =>
  [...input.matchAll(/(?:"(?:\\.|[^"\\])*"|\\.|[^\s\\])+/gs)].map(match => ({ text: match[0], start: match.index }));

/** The values of a text: commas part them, but not within quotes or after a backslash, which also frees a quote. */
const splitValues = (text: string): string[] =>
  [...text.matchAll(/(?:"(?:\\.|[^"\\])*"|\\.|[^,\\])+/gs)].map(([part]) => part.replace(/\\(.)/gs, '$1'));

/** A value so that it is understood as itself when it is typed. */
export const valueToText = (value: string): string => {
  const quoted = /^"(.*)"$/s.exec(value)?.[1];
  return quoted === undefined ? value.replace(/[\s",\\]/g, '\\$&') : `"${quoted.replace(/["\\]/g, '\\$&')}"`;
};

export const filterToText = ({ id, compare, values }: Filter): string =>
  `${id}${compare}${values.map(valueToText).join(',')}`;

export class FilterText {
  constructor(
    private readonly knows: (id: string) => boolean,
    private readonly ports: PortNames
  ) {}

  /** The filter id of a word, on the side that was named before it. */
  idOf(word: string, side?: 'src' | 'dst'): string | undefined {
    const lower = word.toLowerCase();
    const base = ALIASES[lower] ?? lower;
    const candidates = side ? [`${side}_${base}`, base] : [base, `dst_${base}`];
    return candidates.find(id => this.knows(id));
  }

  understand(input: string): Understood {
    const tokens = tokenize(input);
    let filters: Filter[] = [];
    const errors: NotUnderstood[] = [];
    let side: 'src' | 'dst' | undefined;
    let isNegated = false;
    let alternativeTo: Filter | undefined;
    let last: Filter | undefined;
    /** A word that says something of what follows it. */
    let waiting: Token | undefined;

    const refuse = (from: Token, to: Token, reason: string) => {
      const end = to.start + to.text.length;
      errors.push({ text: input.slice(from.start, end), start: from.start, end, reason });
    };
    const accept = (from: Token, to: Token, id: string, compare: Compare, text: string) => {
      const said = isNegated ? NEGATED[compare] : compare;
      if (!said) {
        refuse(from, to, sentence('“not” cannot stand before “>=”: there is no filter for “less than”'));
        return;
      }
      const values: string[] = [];
      for (const part of splitValues(text)) {
        const checked = checkValue(id, part, this.ports);
        if ('reason' in checked) {
          refuse(from, to, checked.reason);
          return;
        }
        values.push(checked.value);
      }
      if (!values.length) {
        refuse(from, to, sentence('A value is missing'));
        return;
      }
      if (alternativeTo && (alternativeTo.id !== id || alternativeTo.compare !== said)) {
        refuse(from, to, sentence('“or” joins values of one field; for different fields choose “match any”'));
        return;
      }
      last = { id, compare: said, values };
      filters = addFilter(filters, last);
    };
    const done = () => {
      side = undefined;
      isNegated = false;
      alternativeTo = undefined;
      waiting = undefined;
    };

    for (let index = 0; index < tokens.length; index++) {
      const first = tokens[index]!;
      const lower = first.text.toLowerCase();
      if (['and', '&&', ','].includes(lower)) {
        continue;
      }
      if (['or', '||'].includes(lower)) {
        alternativeTo = last;
        waiting ??= first;
        continue;
      }
      if (['not', '!'].includes(lower)) {
        isNegated = true;
        waiting ??= first;
        continue;
      }
      if (SIDES[lower]) {
        side = SIDES[lower];
        waiting ??= first;
        continue;
      }
      const literal = this.literal(first.text, side);
      if (literal) {
        literal.forEach(([id, compare, value]) => accept(first, first, id, compare, value));
        done();
        continue;
      }
      const parsed = /^(\w+?)(!=|>=|!~|=|~|:)?((?<=[=~:]).*)?$/s.exec(first.text);
      const id = parsed ? this.idOf(parsed[1]!, side) : undefined;
      if (parsed && id) {
        let operator = parsed[2];
        let value = parsed[3] ?? '';
        let end = first;
        const next = () => tokens[index + 1];
        if (!operator && next() && OPERATOR.test(next()!.text)) {
          end = tokens[++index]!;
          operator = OPERATOR.exec(end.text)![0];
          value = end.text.slice(operator.length);
        }
        if (!value && next()) {
          end = tokens[++index]!;
          value = end.text;
        }
        accept(first, end, id, !operator || operator === ':' ? '=' : (operator as Compare), value);
      } else if (alternativeTo && last) {
        accept(first, first, last.id, last.compare, first.text);
      } else if (BEGUN_ADDRESS.test(first.text) && this.idOf('address', side)) {
        accept(first, first, this.idOf('address', side)!, '=', first.text);
      } else if (this.knows('src_name') && /^[-\w.*]+$/.test(first.text)) {
        accept(first, first, this.idOf('name', side)!, '=', first.text);
      } else if (first.text.includes('.') && this.knows('dns_name')) {
        accept(first, first, 'dns_name', '=', first.text);
      } else {
        refuse(first, first, sentence('Not understood; start with a field, such as “port” or “interface”'));
      }
      done();
    }
    if (waiting) {
      refuse(waiting, tokens.at(-1)!, sentence('A filter is missing after this'));
    }
    return { filters, errors };
  }

  /** Words that tell by their form what they are. */
  private literal(text: string, side?: 'src' | 'dst'): [string, Compare, string][] | undefined {
    const one = (base: string, value: string): [string, Compare, string][] | undefined => {
      const id = this.idOf(base, side);
      return id ? [[id, '=', value]] : undefined;
    };
    const parts = splitValues(text);
    if (parts.length > 1) {
      const ids = parts.map(part => {
        const found = this.literal(part, side);
        return found?.length === 1 ? found[0]![0] : undefined;
      });
      return ids[0] && ids.every(id => id === ids[0]) ? [[ids[0], '=', text]] : undefined;
    }
    if (isAddress(text)) {
      return one('address', text);
    }
    const withPort = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(text) ?? /^\[([0-9a-f:.]+)\]:(\d+)$/i.exec(text);
    if (withPort && isAddress(withPort[1]!)) {
      const [address, port] = [one('address', withPort[1]!), one('port', withPort[2]!)];
      return address && port && [...address, ...port];
    }
    if (isMac(text)) {
      return one('mac', text);
    }
    if (/^\d{1,5}$/.test(text)) {
      return one('port', text);
    }
    if (TCP_FLAGS.includes(text)) {
      return one('tcp_flags', text);
    }
    if (protocolNumber(text) !== undefined) {
      return one('protocol', text);
    }
    return this.ports.number(text) !== undefined && !ALIASES[text] ? one('port', text) : undefined;
  }
}

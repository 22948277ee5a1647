//! Understands what people type into the filter bar: `10.0.0.0/8`, `port 443`, `src ns:shop and dst port 5432`.
//! Who: the filter bar.
//! **Invariant:** pure; nothing is guessed silently: a word either becomes a filter or is returned with the reason, and of a
//! text with such a word nothing becomes a filter.
import { addFilter, baseOf, type Compare, type Filter } from './filters';
import { checkValue, isAddress, isMac } from './filter-values';
import { ARROWS, inQuotes, splitValues, tokenize, valueToText, type Token } from './filter-words';
import { protocolNumber, TCP_FLAGS, type PortNames } from './reference';
import { sentence } from './sentence';

/** The beginning of an address; of a whole one at most. */
export const BEGUN_ADDRESS = /^(\d{1,3}\.[\d.]*|[\da-f]{1,4}:[\da-f:]*)$/i;

export interface NotUnderstood {
  text: string;
  start: number;
  end: number;
  /** A translation key; `word` in it is the word that is the matter. */
  reason: string;
  word: string;
}

export interface Understood {
  /** None if there are errors. */
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
  flow_rtt: 'time_flow_rtt',
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

/** Without sides a pair would be any of the two, in any direction. */
const ONLY_ENDS = sentence('An arrow stands between two ends, as in “10.0.0.1 → 10.0.0.2”; else write “src … dst …”');

/** What "not" makes of a comparison; there is no "less than". */
const NEGATED: Partial<Record<Compare, Compare>> = { '=': '!=', '!=': '=', '~': '!~', '!~': '~' };

/** Also those that no filter has, so that a comparison is refused as a whole. */
const OPERATOR = /^(==$|!=|>=|!~|<=|<>|=|~|:|<|>)/;
const UNKNOWN_OPERATORS = new Set(['==', '<=', '<>', '<', '>']);
const FIELD = /^(\w+)(!=|>=|!~|<=|<>|=|~|:|<|>)?(.*)$/s;

/** A field, how it is compared, and with what; each may stand apart from the next. */
interface Comparison {
  id?: string;
  operator?: string;
  value: string;
  /** The place of its last token. */
  last: number;
}

/** Fields whose values may well be several words. */
const OF_WORDS = new Set(['subnet_label']);

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
    /** The item before is the source of a pair. */
    let isDestination = false;
    /** A value without quotes that may go on with the next word. */
    let begun: { field: Token; at: number } | undefined;
    /** Words that say nothing, side by side. */
    let unknown: { error: NotUnderstood; at: number } | undefined;
    /** A word that says something of what follows it. */
    let waiting: Token | undefined;

    const refuse = (from: Token, to: Token, reason: string) => {
      // With what was said of it before, so that nothing that was typed is lost.
      const { start } = waiting ?? from;
      const end = to.start + to.text.length;
      errors.push({ text: input.slice(start, end), start, end, reason, word: from.text });
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
        refuse(from, to, sentence('A value is missing, as in “port 443” or “interface eth0”'));
        return;
      }
      if (alternativeTo && (alternativeTo.id !== id || alternativeTo.compare !== said)) {
        refuse(from, to, sentence('“or” joins values of one field; for different fields choose “match any”'));
        return;
      }
      if (isDestination && !id.startsWith('dst_')) {
        refuse(from, to, ONLY_ENDS);
        return;
      }
      last = { id, compare: said, values };
      filters = addFilter(filters, last);
    };
    const refuseWord = (word: Token, at: number) => {
      const field = begun?.at === at - 1 ? begun.field : undefined;
      const isNext = unknown?.at === at - 1 && !waiting;
      const start = isNext ? unknown!.error.start : (field ?? waiting ?? word).start;
      const end = word.start + word.text.length;
      const text = input.slice(start, end);
      if (field) {
        const value = inQuotes(text.slice(field.text.length).trim());
        const reason = sentence('A value of several words stands in quotes, as in “{{word}}”');
        errors.push({ text, start, end, reason, word: `${field.text} ${value}` });
        return;
      }
      const reason = sentence(
        'Not understood; say what it is, as in “interface {{word}}”, “dns {{word}}” or “subnet {{word}}”'
      );
      const error = { text, start, end, reason, word: inQuotes(isNext ? text : word.text) };
      errors.splice(isNext ? -1 : errors.length, 1, error);
      unknown = { error, at };
    };
    const done = () => {
      side = undefined;
      isDestination = false;
      isNegated = false;
      alternativeTo = undefined;
      waiting = undefined;
    };

    for (let index = 0; index < tokens.length; index++) {
      const first = tokens[index]!;
      if (ARROWS.has(first.text)) {
        if (!last?.id.startsWith('src_') || last.compare !== '=' || waiting) {
          refuse(first, first, ONLY_ENDS);
        }
        side = 'dst';
        isDestination = true;
        waiting ??= first;
        continue;
      }
      if (ARROWS.has(tokens[index + 1]?.text ?? '')) {
        side ??= 'src';
      }
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
      const compare = (end: Token, { id, operator, value }: Comparison) => {
        if (!id) {
          refuse(first, end, sentence('There is no such field; a comparison looks like “port = 443” or “rtt >= 10ms”'));
        } else if (operator && UNKNOWN_OPERATORS.has(operator)) {
          refuse(first, end, sentence('There is no such comparison; “at least” is written >=, as in “rtt >= 10ms”'));
        } else {
          accept(first, end, id, !operator || operator === ':' ? '=' : (operator as Compare), value);
        }
      };
      // A field of two words may begin with what is a word of its own: "tcp flags", "dns latency".
      const twoWords = this.comparison(tokens, index, 2, side);
      if (twoWords?.id) {
        index = twoWords.last;
        compare(tokens[index]!, twoWords);
        done();
        continue;
      }
      const literal = this.literal(first.text, side);
      if (literal) {
        literal.forEach(([id, compare, value]) => accept(first, first, id, compare, value));
        done();
        continue;
      }
      const comparison = this.comparison(tokens, index, 1, side);
      if (comparison && (comparison.id || comparison.operator)) {
        index = comparison.last;
        compare(tokens[index]!, comparison);
        const isBegun = comparison.id && OF_WORDS.has(baseOf(comparison.id)) && !comparison.value.includes('"');
        begun = isBegun && !comparison.operator ? { field: first, at: index } : undefined;
      } else if (alternativeTo && last) {
        accept(first, first, last.id, last.compare, first.text);
      } else if (BEGUN_ADDRESS.test(first.text) && this.idOf('address', side)) {
        accept(first, first, this.idOf('address', side)!, '=', first.text);
      } else if (this.knows('src_name') && /^[-\w.*]+$/.test(first.text)) {
        accept(first, first, this.idOf('name', side)!, '=', first.text);
      } else if (first.text.includes('.') && this.knows('dns_name')) {
        accept(first, first, 'dns_name', '=', first.text);
      } else {
        refuseWord(first, index);
      }
      done();
    }
    if (waiting) {
      refuse(waiting, tokens.at(-1)!, sentence('A filter is missing after this, as in “src port 443”'));
    }
    return { filters: errors.length ? [] : filters, errors };
  }

  /** What stands at a place, its field being so many words; only a known field takes a word as its value. */
  private comparison(tokens: Token[], at: number, words: number, side?: 'src' | 'dst'): Comparison | undefined {
    const field = tokens.slice(at, at + words).map(token => token.text);
    const isWhole = field.length === words && field.slice(0, -1).every(part => /^\w+$/.test(part));
    const parsed = isWhole ? FIELD.exec(field.join('_')) : null;
    if (!parsed || (!parsed[2] && parsed[3] !== '')) {
      return undefined;
    }
    const word = parsed[1]!;
    let [, , operator, value = ''] = parsed;
    const id = this.idOf(word, side);
    let last = at + words - 1;
    const following = () => tokens[last + 1];
    const apart = operator ? undefined : OPERATOR.exec(following()?.text ?? '')?.[0];
    if (apart) {
      operator = apart;
      value = tokens[++last]!.text.slice(apart.length);
    }
    if (!value && following() && (id || operator)) {
      value = tokens[++last]!.text;
    }
    return { id, operator, value, last };
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

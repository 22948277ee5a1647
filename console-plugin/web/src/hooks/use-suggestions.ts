//! What could complete the text in the filter bar: fields first, then values that occur in the range, with counts.
//! Who: the filter bar. **Invariant:** a suggestion is a text that, put in place, is understood; none is invented.
import { useEffect, useMemo, useState } from 'react';
import { getFieldValues } from '../api/flows';
import { baseOf, sideOf } from '../model/filters';
import { showValue } from '../model/filter-values';
import { ALIASES, BEGUN_ADDRESS } from '../model/filter-text';
import { inQuotes, valueToText } from '../model/filter-words';
import { filterName } from '../model/filter-names';
import { TCP_FLAGS } from '../model/reference';
import { usePage } from './use-page';
import { useQuery } from './use-query';

export interface Suggestion {
  id: string;
  label: string;
  detail?: string;
  count?: number;
  /** Of both ends together: a flow between two such ends is counted twice. */
  isUpTo?: boolean;
  /** The whole text once this is picked. */
  text: string;
  /** A value completes a filter; a field waits for one. */
  isComplete: boolean;
}

const SHOWN = 12;
const PAUSE_MS = 150;
// Numbers that people know by name: their names are matched here, not by the back end.
const NAMED_NUMBERS = /port$|^protocol$|direction|^dscp$/;

const words = new Map(Object.entries(ALIASES).map(([word, id]) => [id, word]));
// Where several words mean the same, the one to teach.
const TAUGHT: Record<string, string> = {
  address: 'ip',
  interfaces: 'interface',
  tcp_flags: 'flags',
  owner_name: 'owner'
};

const wordFor = (id: string): string => {
  const side = sideOf(id);
  const word = TAUGHT[baseOf(id)] ?? words.get(baseOf(id)) ?? baseOf(id);
  return side ? `${side} ${word}` : word;
};

interface Counted {
  value: string;
  count: number;
  /** Counted at both ends. */
  isUpTo: boolean;
}

/** A value that begins as a bare word does. */
interface Name extends Counted {
  filter: string;
  isExact: boolean;
}

interface Context {
  /** The filter whose value is being typed. */
  id?: string;
  partial: string;
  before: string;
}

const VALUE =
  /(?:^|\s)(?:(src|source|from|dst|dest|destination|to)\s+)?(\w+)(?:\s*(?:!=|>=|!~|=|~|:)\s*|\s+)([^\s=~]*)$/i;

const sideOfWord = (word: string | undefined): 'src' | 'dst' | undefined =>
  word === undefined ? undefined : /^[sf]/i.test(word) ? 'src' : 'dst';

export const contextOf = (text: string, idOf: (word: string, side?: 'src' | 'dst') => string | undefined): Context => {
  const value = VALUE.exec(text);
  if (value) {
    const id = idOf(value[2]!, sideOfWord(value[1]));
    if (id) {
      const partial = value[3]!.split(',').at(-1)!;
      return { id, partial: partial.replaceAll('"', ''), before: text.slice(0, text.length - partial.length) };
    }
  }
  const begun = /(?:(src|source|from|dst|dest|destination|to)\s+)?(\S+)$/i.exec(text);
  if (begun && BEGUN_ADDRESS.test(begun[2]!)) {
    const partial = begun[2]!;
    return { id: idOf('address', sideOfWord(begun[1])), partial, before: text.slice(0, text.length - partial.length) };
  }
  const partial = /(?:(?:src|source|from|dst|dest|destination|to)\s+)?\S*$/i.exec(text)![0];
  return { partial, before: text.slice(0, text.length - partial.length) };
};

/** What a bare word may be the name of, the likeliest first. */
const NAMED = ['interfaces', 'subnet_label', 'dns_name', 'namespace', 'name', 'owner_name'];
const BARE_LENGTH_MIN = 2;
/** Names of each kind, and of all kinds together. */
const NAMES_ASKED = 5;
const NAMES_SHOWN = 6;

/** The filters that a word may be a value of, and the word without the side before it. */
export const bareOf = (
  partial: string,
  idOf: (word: string, side?: 'src' | 'dst') => string | undefined
): { ids: string[]; word: string } => {
  const [, side, word = ''] = /^(?:(src|source|from|dst|dest|destination|to)\s+)?(\S*)$/i.exec(partial) ?? [];
  const isLong = word.length >= BARE_LENGTH_MIN && !/["=~:]/.test(word);
  const ids = isLong ? NAMED.flatMap(name => idOf(name, sideOfWord(side)) ?? []) : [];
  return { ids: [...new Set(ids)], word };
};

/** The most frequent first; one that is there several times may be in the same flow at both ends. */
const counted = <T extends { count: number }>(
  values: T[],
  keyOf: (value: T) => string
): (T & Pick<Counted, 'isUpTo'>)[] => {
  const found = new Map<string, T & Pick<Counted, 'isUpTo'>>();
  for (const each of values) {
    const one = found.get(keyOf(each));
    found.set(keyOf(each), { ...each, count: each.count + (one?.count ?? 0), isUpTo: one !== undefined });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
};

const usePaused = <T>(value: T): T => {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return paused;
};

export const useSuggestions = (text: string, isOpen: boolean): { suggestions: Suggestion[]; isLoading: boolean } => {
  const { config, fields, ports, filterText, query, tick } = usePage();
  const context = useMemo(() => contextOf(text, (word, side) => filterText.idOf(word, side)), [text, filterText]);
  const { id } = context;
  const isNamed = id !== undefined && NAMED_NUMBERS.test(baseOf(id)) && !/^\d*$/.test(context.partial);
  const partial = usePaused(context.partial);
  const bound = id ? fields.fieldsOf(id) : [];
  const key = isOpen && id && bound.length ? JSON.stringify([bound, isNamed ? '' : partial, query]) : undefined;
  const values = useQuery(key, tick, async signal => {
    const answers = await Promise.all(
      bound.map(field => getFieldValues(field, isNamed ? '' : partial, { ...query, limit: isNamed ? 200 : 50 }, signal))
    );
    return {
      id,
      found: counted(
        answers.flatMap(answer => answer.values),
        each => each.value
      )
    };
  });
  // Until the values of another field come, those of the one before are there: they must not be taken for its own.
  const ofField = values.data?.id === id ? values.data?.found : undefined;

  const isExactField = (field: string | undefined): boolean => {
    const type = config.fields.find(each => each.name === field);
    return Boolean(type?.type.startsWith('string')) && type?.format !== 'IP';
  };
  const bare = useMemo(
    () => (id ? { ids: [], word: '' } : bareOf(partial, (word, side) => filterText.idOf(word, side))),
    [id, partial, filterText]
  );
  const names = useQuery(isOpen && bare.ids.length ? JSON.stringify([bare, query]) : undefined, tick, async signal => {
    const answers = await Promise.all(
      bare.ids.flatMap(filter =>
        fields.fieldsOf(filter).map(async field => {
          const { values } = await getFieldValues(field, bare.word, { ...query, limit: NAMES_ASKED }, signal);
          return values.map(each => ({ ...each, filter, isExact: isExactField(field) }));
        })
      )
    );
    const found: Name[] = counted(answers.flat(), each => `${each.filter}=${each.value}`);
    return found.slice(0, NAMES_SHOWN);
  });

  const suggestions = useMemo((): Suggestion[] => {
    const needle = context.partial.toLowerCase();
    if (!id) {
      const ofFields = config.filters
        .filter(filter => fields.fieldsOf(filter.id).length)
        .map(filter => ({ filter, word: wordFor(filter.id) }))
        .filter(({ filter, word }) =>
          [word, filter.id, filterName(config, filter.id)].some(each => each.toLowerCase().includes(needle))
        )
        .sort((a, b) => Number(b.word.startsWith(needle)) - Number(a.word.startsWith(needle)))
        .slice(0, needle ? SHOWN : 40)
        .map(({ filter, word }) => ({
          id: filter.id,
          label: word,
          detail: filterName(config, filter.id),
          text: `${context.before}${word} `,
          isComplete: false
        }));
      const isOfThisWord = context.partial.toLowerCase().endsWith(bare.word.toLowerCase());
      // So with the names of a word, of a side: those that fit the present one stay while its own are fetched.
      const isOfThisName = ({ filter, value }: Name) =>
        bare.ids.includes(filter) &&
        [value, showValue(filter, value, ports)].some(each => each.toLowerCase().includes(bare.word.toLowerCase()));
      const ofNames = (isOfThisWord ? (names.data ?? []).filter(isOfThisName) : []).map(
        ({ filter, value, count, isUpTo, isExact }) => ({
          id: `${filter}=${value}`,
          label: `${wordFor(filter)} ${inQuotes(showValue(filter, value, ports))}`,
          count,
          isUpTo,
          text: `${context.before}${wordFor(filter)} ${valueToText(isExact ? `"${value}"` : value)}`,
          isComplete: true
        })
      );
      return [...ofFields, ...(bare.ids.length ? ofNames : [])];
    }
    const isExact = isExactField(bound[0]);
    const found =
      ofField ?? (baseOf(id) === 'tcp_flags' ? TCP_FLAGS.map(value => ({ value, count: 0, isUpTo: false })) : []);
    return found
      .filter(({ value }) => value !== '')
      .map(each => ({ ...each, label: showValue(id, each.value, ports) }))
      .filter(({ value, label }) => [value, label].some(each => each.toLowerCase().includes(needle)))
      .slice(0, SHOWN)
      .map(({ value, count, isUpTo, label }) => ({
        id: value,
        label,
        count: count || undefined,
        isUpTo,
        text: `${context.before}${valueToText(isExact ? `"${value}"` : value)}`,
        isComplete: true
      }));
    // `bound` follows from `id`, `isExactField` from `config`.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [context, id, config, fields, ports, ofField, bare, names.data]);

  return { suggestions, isLoading: values.isLoading && key !== undefined };
};

//! Interfaces that vanished before their flows were read: the agent no longer knows their names. Who: the flow table,
//! its panel, filters, the overview.
//! **Invariant:** pure; a name is given back only where the flows at hand leave no other one, and is marked as gone.
import { asText, list, text, type Flow } from './flow';

/** What the agent writes for an interface it cannot look up. */
export const GONE = 'unknown';

/** In the words of the page. */
export const GONE_WORDS = 'interface that is gone';

const INGRESS = 0;

// Beside an interface stand its own address and that of whom it leads to; either may tell which one it is.
const traces = (flow: Flow, direction: unknown): string[] => {
  const [own, other] = direction === INGRESS ? ['DstMac', 'SrcMac'] : ['SrcMac', 'DstMac'];
  return [`own ${text(flow, own)}`, `other ${text(flow, other)}`].filter(trace => !trace.endsWith(' '));
};

const namesOf = (flow: Flow): string[] => list(flow, 'Interfaces').map(asText);

/** Adds to flows of vanished interfaces how their interfaces are to be shown. */
export const nameGoneInterfaces = (flows: Flow[]): Flow[] => {
  if (!flows.some(flow => namesOf(flow).includes(GONE))) {
    return flows;
  }
  const seen = new Map<string, Set<string>>();
  for (const flow of flows) {
    const directions = list(flow, 'IfDirections');
    namesOf(flow).forEach((name, index) => {
      for (const trace of name === GONE ? [] : traces(flow, directions[index])) {
        seen.set(trace, (seen.get(trace) ?? new Set()).add(name));
      }
    });
  }
  return flows.map(flow => {
    const names = namesOf(flow);
    if (!names.includes(GONE)) {
      return flow;
    }
    const directions = list(flow, 'IfDirections');
    const lastName = (index: number): string | undefined => {
      const candidates = traces(flow, directions[index])
        .map(trace => [...(seen.get(trace) ?? [])].filter(name => !names.includes(name)))
        .filter(each => each.length === 1)
        .map(([name]) => name);
      return new Set(candidates).size === 1 ? candidates[0] : undefined;
    };
    const shown = names.map((name, index) => {
      const last = name === GONE ? lastName(index) : undefined;
      return name !== GONE ? name : last ? `${last} (gone)` : GONE_WORDS;
    });
    return { ...flow, _shownInterfaces: shown };
  });
};

export const shownInterfaces = (flow: Flow): string[] =>
  (flow._shownInterfaces as string[] | undefined) ?? namesOf(flow).map(name => (name === GONE ? GONE_WORDS : name));

//! The graph as a table: the same connections for those who cannot see the drawing, or want to read it.
//! Who: `TopologyPage`. **Invariant:** shows what the drawing shows, the busiest first, problems in words.
import { useMemo } from 'react';
import { useText } from '../../hooks/use-text';
import { formatMs } from '../../model/format';
import type { Selection } from './focus';
import type { Graph } from './graph';

interface Props {
  graph: Graph;
  isStale: boolean;
  selection?: Selection;
  format: (value: number) => string;
  onSelect: (selection: Selection) => void;
}

export const ConnectionList = ({ graph, isStale, selection, format, onSelect }: Props) => {
  const t = useText();
  const names = useMemo(() => new Map(graph.nodes.map(node => [node.id, node.label])), [graph]);
  const edges = useMemo(
    () => [...graph.edges].sort((a, b) => b.problems.length - a.problems.length || b.value - a.value),
    [graph]
  );
  return (
    <div
      className={`netobserv-connections ${isStale ? 'netobserv-stale' : ''}`}
      tabIndex={0}
      role="region"
      aria-label={t('Connections')}
      data-test="topology-list"
    >
      <table>
        <thead>
          <tr>
            {[t('Between'), t('And'), t('There'), t('Back'), t('Round trip, p90'), t('Problem')].map(head => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {edges.map(edge => (
            <tr key={edge.id} className={selection?.id === edge.id ? 'netobserv-connections-selected' : undefined}>
              <th scope="row">
                <button
                  type="button"
                  className="netobserv-name-button"
                  onClick={() => onSelect({ kind: 'edge', id: edge.id })}
                >
                  {names.get(edge.source)}
                </button>
              </th>
              <td>{names.get(edge.target)}</td>
              <td>{format(edge.forward)}</td>
              <td>{format(edge.backward)}</td>
              <td>{edge.rttMs === undefined ? '–' : formatMs(edge.rttMs)}</td>
              <td className="netobserv-danger">{edge.problems.map(problem => t(problem)).join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

//! The drawing of the graph. Who: `TopologyPage`.
//! **Invariant:** shows the graph and reports picks; what is selected is decided above it.
//!
//! An SVG of our own, not react-topology's surface: pan and zoom change one element, and the view needs neither mobx
//! nor the built-in layouts.
import { Button } from '@patternfly/react-core';
import { ExpandIcon, SearchMinusIcon, SearchPlusIcon } from '@patternfly/react-icons';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import { useText } from '../../hooks/use-text';
import { EdgeShape, GroupName, GroupShape, NodeShape } from './Elements';
import { focusOf, type Selection } from './focus';
import { bendOf, boundsOf, edgeWidth, neighbour, nodeRadius } from './geometry';
import type { Graph, GraphEdge, GraphNode } from './graph';
import { usePanZoom } from './use-pan-zoom';
import { useLabels } from './use-labels';
import type { Layout } from './use-layout';

interface Props {
  graph: Graph;
  /** It answers an older question. */
  isStale: boolean;
  layout: Layout;
  selection?: Selection;
  /** Ids of nodes that match the search. */
  found: ReadonlySet<string>;
  /** The match to bring into view. */
  shown?: string;
  format: (value: number) => string;
  edgeTitle: (edge: GraphEdge) => string;
  onSelect: (selection: Selection | undefined) => void;
  onToggleGroup: (id: string) => void;
}

const ZOOM_STEP = 1.35;
const STEPS: Record<string, { x: number; y: number }> = {
  ArrowRight: { x: 1, y: 0 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowDown: { x: 0, y: 1 },
  ArrowUp: { x: 0, y: -1 }
};

export const Canvas = (props: Props) => {
  const { graph, isStale, layout, selection, found, shown, format, edgeTitle, onSelect, onToggleGroup } = props;
  const t = useText();
  const { svg, content, scale, zoomBy, fit, centre, wasDragged } = usePanZoom();
  const { positions, boxes, shape } = layout;

  const openGroups = useMemo(() => graph.groups.filter(group => !group.isClosed), [graph]);
  const fitAll = () =>
    fit(
      boundsOf(
        positions,
        boxes,
        openGroups.map(group => group.id)
      )
    );
  const latest = useRef({ positions, fitAll });
  useLayoutEffect(() => {
    latest.current = { positions, fitAll };
  });
  // Before it is painted: a new picture never flashes at the scale of the old one.
  useLayoutEffect(() => latest.current.fitAll(), [shape]);
  useEffect(() => {
    const place = shown === undefined ? undefined : latest.current.positions[shown];
    if (place) {
      centre(place);
    }
  }, [shown, centre]);

  const sizes = useMemo(() => {
    const edgeMax = graph.edges.reduce((max, edge) => Math.max(max, edge.value), 0);
    const nodeMax = graph.nodes.reduce((max, node) => Math.max(max, node.value), 0);
    return { edgeMax, radii: new Map(graph.nodes.map(node => [node.id, nodeRadius(node, nodeMax)])) };
  }, [graph]);
  const bends = useMemo(() => {
    const others = (edge: GraphEdge) =>
      graph.nodes.flatMap(({ id }) => (id === edge.source || id === edge.target ? [] : (positions[id] ?? [])));
    return new Map(
      graph.edges.flatMap(edge => {
        const [from, to] = [positions[edge.source], positions[edge.target]];
        return from && to ? [[edge.id, bendOf(from, to, others(edge))] as const] : [];
      })
    );
  }, [graph, positions]);
  const labels = useLabels({ graph, layout, openGroups, radii: sizes.radii, bends, scale, format });
  const focus = useMemo(() => focusOf(graph, selection), [graph, selection]);

  const callbacks = useRef({ onSelect, onToggleGroup });
  useEffect(() => {
    callbacks.current = { onSelect, onToggleGroup };
  });
  const picks = useMemo(
    () => ({
      node: (node: GraphNode) => !wasDragged() && callbacks.current.onSelect({ kind: 'node', id: node.id }),
      edge: (edge: GraphEdge) => !wasDragged() && callbacks.current.onSelect({ kind: 'edge', id: edge.id }),
      toggle: (id: string) => !wasDragged() && callbacks.current.onToggleGroup(id)
    }),
    [wasDragged]
  );

  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = STEPS[event.key];
    const zooms: Record<string, () => void> = {
      '+': () => zoomBy(ZOOM_STEP),
      '-': () => zoomBy(1 / ZOOM_STEP),
      '0': fitAll
    };
    if (step) {
      event.preventDefault();
      const busiest = [...graph.nodes].sort((a, b) => b.value - a.value)[0]?.id;
      const isOnNode = selection?.kind === 'node' && positions[selection.id];
      const next = isOnNode ? neighbour(positions, selection.id, step) : busiest;
      if (next !== undefined) {
        onSelect({ kind: 'node', id: next });
        centre(positions[next]!);
      }
    } else if (zooms[event.key]) {
      event.preventDefault();
      zooms[event.key]!();
    }
  };

  const groups = openGroups.flatMap(group => {
    const box = boxes[group.id];
    const isDimmed = !!focus && !graph.nodes.some(node => node.cluster === group.id && focus.nodes.has(node.id));
    return box ? [{ group, box, isDimmed }] : [];
  });
  const isUnfound = (id: string) => found.size > 0 && !found.has(id);
  return (
    <div className={`netobserv-canvas ${isStale ? 'netobserv-stale' : ''}`} data-test="topology-view">
      <svg
        ref={svg}
        role="application"
        tabIndex={0}
        aria-label={t(
          'Topology of {{nodes}} nodes and {{edges}} connections. Arrow keys select a node, plus, minus and 0 zoom. The list shows the same.',
          { nodes: graph.nodes.length, edges: graph.edges.length }
        )}
        onKeyDown={onKeyDown}
        onClick={event => {
          if (event.target === event.currentTarget && !wasDragged()) {
            onSelect(undefined);
          }
        }}
      >
        <g ref={content}>
          {groups.map(each => (
            <GroupShape key={each.group.id} {...each} />
          ))}
          {labels.edges.map(edge => {
            const [from, to] = [positions[edge.source], positions[edge.target]];
            const isInFocus = focus?.edges.has(edge.id) ?? false;
            return (
              from &&
              to && (
                <EdgeShape
                  key={edge.id}
                  edge={edge}
                  from={from}
                  to={to}
                  bend={bends.get(edge.id) ?? 0}
                  fromRadius={sizes.radii.get(edge.source) ?? 0}
                  toRadius={sizes.radii.get(edge.target) ?? 0}
                  width={edgeWidth(edge.value, sizes.edgeMax)}
                  label={format(edge.value)}
                  hasLabel={focus ? isInFocus : labels.placed.has(edge.id)}
                  title={edgeTitle(edge)}
                  isSelected={selection?.id === edge.id}
                  isDimmed={focus ? !isInFocus : isUnfound(edge.source) && isUnfound(edge.target)}
                  onPick={picks.edge}
                />
              )
            );
          })}
          {groups.map(each => (
            <GroupName key={each.group.id} {...each} onToggle={picks.toggle} closeText={t('Close this group')} />
          ))}
          {graph.nodes.map(node => {
            const at = positions[node.id];
            const isInFocus = focus?.nodes.has(node.id) ?? false;
            return (
              at && (
                <NodeShape
                  key={node.id}
                  node={node}
                  at={at}
                  radius={sizes.radii.get(node.id)!}
                  isSelected={selection?.id === node.id}
                  isDimmed={focus ? !isInFocus : isUnfound(node.id)}
                  isFound={found.has(node.id)}
                  hasLabel={isInFocus || found.has(node.id) || labels.placed.has(node.id)}
                  onPick={picks.node}
                />
              )
            );
          })}
        </g>
      </svg>
      <div className="netobserv-canvas-buttons">
        <Button
          variant="secondary"
          size="sm"
          icon={<SearchPlusIcon />}
          aria-label={t('Zoom in')}
          onClick={() => zoomBy(ZOOM_STEP)}
        />
        <Button
          variant="secondary"
          size="sm"
          icon={<SearchMinusIcon />}
          aria-label={t('Zoom out')}
          onClick={() => zoomBy(1 / ZOOM_STEP)}
        />
        <Button variant="secondary" size="sm" icon={<ExpandIcon />} aria-label={t('Show all')} onClick={fitAll} />
      </div>
    </div>
  );
};

//! The light shapes of the drawing: groups, edges, nodes. Who: `Canvas`.
//! **Invariant:** memoised plain SVG; a shape is drawn again only if what it shows has changed.
import { memo } from 'react';
import { colorOf } from '../../model/color';
import { curve, isBusy, shorten } from './geometry';
import type { GraphEdge, GraphGroup, GraphNode } from './graph';
import type { Box, Point } from './layout';

export const LABEL_LENGTH = 26;
export const GROUP_LABEL_LENGTH = 40;

// What belongs to no group has no colour of its own.
const colorStyle = (group: string): React.CSSProperties | undefined =>
  group ? ({ '--netobserv-own': colorOf(group) } as React.CSSProperties) : undefined;

const classNames = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(' ');

interface GroupProps {
  group: GraphGroup;
  box: Box;
  isDimmed: boolean;
}

interface GroupNameProps extends GroupProps {
  onToggle: (id: string) => void;
  closeText: string;
}

export const GroupShape = memo(({ group, box, isDimmed }: GroupProps) => (
  <rect
    className={classNames('netobserv-topo-group', isDimmed && 'netobserv-dim')}
    style={colorStyle(group.id)}
    x={box.x}
    y={box.y}
    width={box.width}
    height={box.height}
    rx={16}
  />
));
GroupShape.displayName = 'GroupShape';

/** Drawn above the edges, so that none strikes a name through. */
export const GroupName = memo(({ group, box, isDimmed, onToggle, closeText }: GroupNameProps) => (
  <text
    className={classNames('netobserv-topo-group-name', isDimmed && 'netobserv-dim')}
    x={box.x + 12}
    y={box.y}
    dy="-0.5em"
    onClick={() => onToggle(group.id)}
  >
    <title>{closeText}</title>
    {shorten(group.name, GROUP_LABEL_LENGTH)} · {group.size} ⊖
  </text>
));
GroupName.displayName = 'GroupName';

interface EdgeProps {
  edge: GraphEdge;
  from: Point;
  to: Point;
  bend: number;
  fromRadius: number;
  toRadius: number;
  width: number;
  label: string;
  hasLabel: boolean;
  title: string;
  isSelected: boolean;
  isDimmed: boolean;
  onPick: (edge: GraphEdge) => void;
}

export const EdgeShape = memo((props: EdgeProps) => {
  const { edge, from, to, bend, fromRadius, toRadius, width, label, hasLabel, title, isSelected, isDimmed, onPick } =
    props;
  const { path, middle, arrowAtEnd, arrowAtStart } = curve(from, to, bend, [fromRadius, toRadius], width);
  const isProblem = edge.problems.length > 0;
  return (
    <g
      className={classNames(
        'netobserv-topo-edge',
        isProblem && 'netobserv-topo-problem',
        isSelected && 'netobserv-topo-selected',
        isDimmed && 'netobserv-dim'
      )}
      onClick={() => onPick(edge)}
    >
      <title>{title}</title>
      <path className="netobserv-topo-hit" d={path} />
      <path
        className="netobserv-topo-line"
        d={path}
        style={{ strokeWidth: `calc(${width.toFixed(1)}px * var(--netobserv-thin))` }}
        strokeDasharray={edge.value > 0 ? undefined : '2 4'}
      />
      {isBusy(edge, 'forward') && <polygon points={arrowAtEnd} />}
      {isBusy(edge, 'backward') && <polygon points={arrowAtStart} />}
      <g transform={`translate(${middle.x.toFixed(1)} ${middle.y.toFixed(1)})`}>
        {isProblem && (
          <g className="netobserv-topo-mark">
            <path d="M0 -9L9 7H-9Z" />
            <text textAnchor="middle" dy="5">
              !
            </text>
          </g>
        )}
        <text
          className={classNames('netobserv-topo-tag', !hasLabel && 'netobserv-topo-hidden')}
          textAnchor="middle"
          dy={isProblem ? '-0.9em' : '0.35em'}
        >
          {label}
        </text>
      </g>
    </g>
  );
});
EdgeShape.displayName = 'EdgeShape';

interface NodeProps {
  node: GraphNode;
  at: Point;
  radius: number;
  isSelected: boolean;
  isDimmed: boolean;
  isFound: boolean;
  hasLabel: boolean;
  onPick: (node: GraphNode) => void;
}

const letterOf = (node: GraphNode): string =>
  node.kind === 'peer' ? (node.peer?.kind?.slice(0, 1) ?? '') : String(node.count);

export const NodeShape = memo(({ node, at, radius, isSelected, isDimmed, isFound, hasLabel, onPick }: NodeProps) => (
  <g
    className={classNames(
      'netobserv-topo-node',
      node.kind === 'others' && 'netobserv-topo-others',
      isSelected && 'netobserv-topo-selected',
      isFound && 'netobserv-topo-found',
      isDimmed && 'netobserv-dim'
    )}
    style={colorStyle(node.tint)}
    transform={`translate(${at.x} ${at.y})`}
    onClick={() => onPick(node)}
  >
    <title>{[node.label, node.detail].filter(Boolean).join('\n')}</title>
    {node.kind === 'peer' ? (
      <circle r={radius} />
    ) : (
      <rect x={-radius - 6} y={-radius} width={2 * radius + 12} height={2 * radius} rx={10} />
    )}
    <text className="netobserv-topo-letter" textAnchor="middle" dy="0.36em">
      {letterOf(node)}
    </text>
    <g transform={`translate(0 ${radius})`}>
      <text
        className={classNames('netobserv-topo-label', !hasLabel && 'netobserv-topo-hidden')}
        textAnchor="middle"
        dy="1.15em"
      >
        {shorten(node.label, LABEL_LENGTH)}
      </text>
    </g>
  </g>
));
NodeShape.displayName = 'NodeShape';

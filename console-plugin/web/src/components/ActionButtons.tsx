//! What may be done with what a side panel explains. Who: panels of the overview and the topology.
import { Button } from '@patternfly/react-core';
import type { Action } from '../hooks/use-actions';

export const ActionButtons = ({ actions }: { actions: Action[] }) => (
  <div className="netobserv-actions">
    {actions.map(({ id, text, act }) => (
      <Button key={id} size="sm" variant="secondary" onClick={act}>
        {text}
      </Button>
    ))}
  </div>
);

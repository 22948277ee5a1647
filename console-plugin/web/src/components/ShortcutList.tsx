//! The list of keys that the page knows. Who: `Shortcuts`, as a chunk of its own.
//! **Invariant:** names every key of the frame and of the views.
import { Modal, ModalBody, ModalHeader } from '@patternfly/react-core';
import { useText } from '../hooks/use-text';

const ShortcutList = ({ onClose }: { onClose: () => void }) => {
  const t = useText();
  const rows: [string, string][] = [
    ['/', t('Filter, or search in the topology')],
    ['1  2  3', t('Overview, traffic flows, topology')],
    ['[  ]', t('Earlier, later')],
    ['r', t('Refresh now')],
    ['↑  ↓', t('Move in the flow table')],
    ['←  →', t('Move the strip of flows over time; a node further in the topology')],
    ['+  -', t('Zoom the strip, or the topology, which 0 shows whole')],
    ['Enter', t('Open the details of a flow')],
    ['x', t('Exclude the destination of a flow')],
    ['Esc', t('Close the side panel')],
    ['?', t('This list')]
  ];
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="shortcuts-title">
      <ModalHeader title={t('Keyboard shortcuts')} labelId="shortcuts-title" />
      <ModalBody>
        <dl className="netobserv-shortcuts">
          {rows.map(([keys, meaning]) => (
            <div key={keys}>
              <dt>
                {keys.split('  ').map(key => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </ModalBody>
    </Modal>
  );
};

export default ShortcutList;

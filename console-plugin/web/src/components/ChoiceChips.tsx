//! What a link chooses besides filters: which records, from where, and whether duplicates are shown. Who: the filter bar.
//! **Invariant:** whatever changes which flows are shown is seen, and can be taken back.
import { Label } from '@patternfly/react-core';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { CHOICE_DEFAULTS, type Choice } from '../model/url-state';

const CHOICES = Object.keys(CHOICE_DEFAULTS) as Choice[];

/** Those that are not as usual. */
export const useChoices = (): Choice[] => {
  const { state } = usePage();
  return CHOICES.filter(choice => state[choice] !== CHOICE_DEFAULTS[choice]);
};

export const ChoiceChips = () => {
  const t = useText();
  const { state, change } = usePage();
  const choices = useChoices();
  const words: Record<Choice, Record<string, string>> = {
    recordType: {
      newConnection: t('Beginnings of connections only'),
      heartbeat: t('Updates of connections only'),
      endConnection: t('Ends of connections only'),
      allConnections: t('Connections instead of flows')
    },
    packetLoss: {
      dropped: t('Flows of dropped packets only'),
      hasDrops: t('Flows with dropped packets only'),
      sent: t('Flows without dropped packets only')
    },
    dataSource: { loki: t('Data from Loki'), prom: t('Data from Prometheus') },
    isShowingDuplicates: { true: t('Duplicates are shown') }
  };
  return choices.map(choice => {
    const text = words[choice][String(state[choice])]!;
    return (
      <Label
        key={choice}
        color="purple"
        onClose={() => change({ [choice]: CHOICE_DEFAULTS[choice] })}
        closeBtnAriaLabel={t('Remove filter {{filter}}', { filter: text })}
      >
        {text}
      </Label>
    );
  });
};

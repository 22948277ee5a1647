//! That flows are missing from what is drawn or summed up here. Who: charts and tiles.
//! **Invariant:** on each of them, since a picture is looked at, and copied, without the line at the bottom.
import { ExclamationTriangleIcon } from '@patternfly/react-icons';
import { useFacts } from '../hooks/use-facts';
import { useText } from '../hooks/use-text';
import { isNothingMissing, missingOf } from '../model/losses';

export const PartialMark = () => {
  const t = useText();
  const { losses } = useFacts();
  const missing = losses && missingOf(losses);
  if (!missing || isNothingMissing(missing)) {
    return null;
  }
  return (
    <span
      className="netobserv-warning netobserv-subtle netobserv-partial"
      title={t('Flows of this time range are missing; the line at the bottom of the page says which')}
    >
      <ExclamationTriangleIcon aria-hidden /> {t('partial')}
    </span>
  );
};

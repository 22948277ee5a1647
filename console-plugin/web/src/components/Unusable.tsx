//! That a link asks for what cannot be used, and the way out: without these words all flows would look like those
//! that were meant. Who: `Page`. **Invariant:** names the words of the address, and what is shown in their place.
import { Button } from '@patternfly/react-core';
import { ExclamationCircleIcon } from '@patternfly/react-icons';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { filtersToUrl } from '../model/filter-url';

const WORDS_MAX = 200;
const excerpt = (words: string): string => (words.length > WORDS_MAX ? `${words.slice(0, WORDS_MAX)}…` : words);

export const UnusableLink = () => {
  const t = useText();
  const { state, unusable, leftOut, change } = usePage();
  const { filters, range, choices, views } = unusable;
  if (![filters, range, choices, views, leftOut].some(each => each.length)) {
    return null;
  }
  return (
    <div className="netobserv-refresh-failed" role="alert" data-test="unusable-link">
      <ExclamationCircleIcon aria-hidden />
      <span>
        {filters.length > 0 &&
          t('The filter {{words}} of this link is not known here; the flows are shown without it.', {
            words: excerpt(filters.join('; '))
          })}{' '}
        {leftOut.length > 0 &&
          t(
            'The filter {{words}} is too much for one request; the flows are shown without it. Exclude less at once, or by namespace.',
            { words: excerpt(filtersToUrl(leftOut)) }
          )}{' '}
        {range.length > 0 &&
          t('The time {{words}} of this link cannot be; the last 5 minutes are shown.', {
            words: excerpt(range.join(', '))
          })}{' '}
        {choices.length > 0 &&
          t('The choice {{words}} of this link is not known here; the flows are shown without it.', {
            words: excerpt(choices.join(', '))
          })}{' '}
        {views.length > 0 &&
          t('The choice {{words}} of this link is not known here; the usual is shown in its place.', {
            words: excerpt(views.join(', '))
          })}
      </span>
      {history.length > 1 && (
        <Button variant="link" isInline onClick={() => history.back()}>
          {t('Go back')}
        </Button>
      )}
      <Button
        variant="link"
        isInline
        onClick={() =>
          change(
            {
              filters: state.filters.filter(each => !leftOut.includes(each)),
              range: state.range,
              match: state.match,
              view: state.view
            },
            { replace: true }
          )
        }
      >
        {t('Continue without')}
      </Button>
    </div>
  );
};

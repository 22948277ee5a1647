//! One filter as a chip with its menu. Who: the filter bar.
//! **Invariant:** every change goes through `onChange`, so that it is one step of the history.
import { Dropdown, DropdownItem, DropdownList, Label, MenuToggle } from '@patternfly/react-core';
import { useState } from 'react';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { COMPARE_WORDS, filterName } from '../model/filter-names';
import { baseOf, sideOf, type Compare, type Filter } from '../model/filters';
import { showValue } from '../model/filter-values';

interface Props {
  filter: Filter;
  onChange: (filter: Filter | undefined) => void;
  onEdit: () => void;
}

const OPPOSITE: Partial<Record<Compare, Compare>> = { '=': '!=', '!=': '=', '~': '!~', '!~': '~' };
const SHOWN_VALUES = 3;

export const FilterChip = ({ filter, onChange, onEdit }: Props) => {
  const t = useText();
  const { config, ports, knowsFilter } = usePage();
  const [isOpen, setIsOpen] = useState(false);
  const values = filter.values.map(value => showValue(filter.id, value, ports));
  const shown = values.slice(0, SHOWN_VALUES).join(`, `);
  const more = values.length - SHOWN_VALUES;
  const label = `${filterName(config, filter.id)} ${t(COMPARE_WORDS[filter.compare])} ${shown}${more > 0 ? ` +${more}` : ''}`;
  const opposite = OPPOSITE[filter.compare];
  const base = baseOf(filter.id);
  const sides = (
    [
      [`src_${base}`, t('Of the source only')],
      [`dst_${base}`, t('Of the destination only')],
      [base, t('Of either end')]
    ] as const
  ).filter(([id]) => id !== filter.id && knowsFilter(id) && (sideOf(filter.id) ?? knowsFilter(`src_${base}`)));
  const item = (text: string, act: () => void) => (
    <DropdownItem
      key={text}
      onClick={() => {
        setIsOpen(false);
        act();
      }}
    >
      {text}
    </DropdownItem>
  );
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      toggle={ref => (
        <Label
          variant={filter.off ? 'outline' : 'filled'}
          color={filter.off ? 'grey' : filter.compare.startsWith('!') ? 'orange' : 'blue'}
          onClose={() => onChange(undefined)}
          closeBtnAriaLabel={t('Remove filter {{filter}}', { filter: label })}
        >
          <MenuToggle
            ref={ref}
            variant="plainText"
            className="netobserv-chip-toggle"
            isExpanded={isOpen}
            onClick={() => setIsOpen(!isOpen)}
          >
            <span className={filter.off ? 'netobserv-off' : undefined}>{label}</span>
          </MenuToggle>
        </Label>
      )}
    >
      <DropdownList>
        {item(t('Edit'), onEdit)}
        {item(filter.off ? t('Switch on') : t('Switch off'), () =>
          onChange({ ...filter, off: filter.off ? undefined : true })
        )}
        {opposite &&
          item(opposite.startsWith('!') ? t('Exclude instead') : t('Include instead'), () =>
            onChange({ ...filter, compare: opposite })
          )}
        {sides.map(([id, text]) => item(text, () => onChange({ ...filter, id })))}
        {item(t('Remove'), () => onChange(undefined))}
      </DropdownList>
    </Dropdown>
  );
};

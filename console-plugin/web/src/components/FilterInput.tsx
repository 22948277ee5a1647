//! The text input that understands filters, with completion. Who: the filter bar.
//! **Invariant:** a text with a word that is not understood stays in the input with the reason, and nothing of it is applied:
//! nothing is dropped or guessed silently.
import {
  MenuToggle,
  Select,
  SelectList,
  SelectOption,
  TextInputGroup,
  TextInputGroupMain
} from '@patternfly/react-core';
import { SearchIcon } from '@patternfly/react-icons';
import { useRef, useState } from 'react';
import { usePage } from '../hooks/use-page';
import { useSuggestions, type Suggestion } from '../hooks/use-suggestions';
import { useText } from '../hooks/use-text';
import { COMPARE_WORDS, filterName } from '../model/filter-names';
import type { NotUnderstood } from '../model/filter-text';
import type { Filter } from '../model/filters';
import { formatCount } from '../model/format';
import { showValue } from '../model/filter-values';

export const FILTER_INPUT_ID = 'filter-input';
const LIST_ID = 'filter-suggestions';
const TYPED = 'typed';

interface Props {
  text: string;
  onText: (text: string) => void;
  onFilters: (filters: Filter[]) => void;
}

export const FilterInput = ({ text, onText, onFilters }: Props) => {
  const t = useText();
  const { config, ports, filterText } = usePage();
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [errors, setErrors] = useState<NotUnderstood[]>([]);
  const input = useRef<HTMLInputElement>(null);
  const { suggestions } = useSuggestions(text, isOpen);

  const understood = filterText.understand(text);
  const describe = (filter: Filter) =>
    `${filterName(config, filter.id)} ${t(COMPARE_WORDS[filter.compare])} ${filter.values
      .map(value => showValue(filter.id, value, ports))
      .join(', ')}`;
  const typed: Suggestion[] = understood.filters.length
    ? [{ id: TYPED, label: understood.filters.map(describe).join(' · '), text, isComplete: true }]
    : [];
  const options = [...typed, ...suggestions];

  const update = (next: string) => {
    onText(next);
    setErrors([]);
    setActive(-1);
    setIsOpen(true);
  };
  const commit = (input: string) => {
    const result = filterText.understand(input);
    if (result.filters.length) {
      onFilters(result.filters);
    }
    setErrors(result.errors);
    onText(result.errors.length ? input : '');
    setActive(-1);
    setIsOpen(false);
  };
  const pick = (option: Suggestion) => {
    if (option.isComplete) {
      commit(option.text);
    } else {
      update(option.text);
    }
    input.current?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    switch (event.key) {
      case 'Enter':
        event.preventDefault();
        if (isOpen && options[active]) {
          pick(options[active]);
        } else if (text.trim()) {
          commit(text);
        }
        break;
      case 'Tab':
        if (isOpen && suggestions[0] && text.trim() && !event.shiftKey) {
          event.preventDefault();
          pick(options[active] ?? suggestions[0]);
        }
        break;
      case 'ArrowDown':
      case 'ArrowUp': {
        event.preventDefault();
        setIsOpen(true);
        const step = event.key === 'ArrowDown' ? 1 : -1;
        setActive(options.length ? (active + step + options.length) % options.length : -1);
        break;
      }
      case 'Escape':
        setIsOpen(false);
        break;
      default:
    }
  };

  return (
    <div className="netobserv-filter-input">
      <Select
        variant="typeahead"
        isOpen={isOpen && options.length > 0}
        onSelect={(_event, id) => {
          const option = options.find(each => each.id === id);
          if (option) {
            pick(option);
          }
        }}
        onOpenChange={open => !open && setIsOpen(false)}
        toggle={ref => (
          <MenuToggle
            ref={ref}
            variant="typeahead"
            isFullWidth
            aria-label={t('Show filters to choose from')}
            isExpanded={isOpen}
            onClick={() => {
              setIsOpen(!isOpen);
              input.current?.focus();
            }}
            status={errors.length ? 'danger' : undefined}
          >
            <TextInputGroup isPlain>
              <TextInputGroupMain
                innerRef={input}
                inputId={FILTER_INPUT_ID}
                icon={<SearchIcon />}
                value={text}
                placeholder={t('Filter: an address, port 443, src ip 10.0.0.0/8 and dst port 53, tcp…')}
                autoComplete="off"
                role="combobox"
                isExpanded={isOpen}
                aria-controls={LIST_ID}
                aria-activedescendant={options[active] && isOpen ? `${LIST_ID}-${active}` : undefined}
                aria-label={t('Filter')}
                onChange={(_event, value) => update(value)}
                onClick={() => setIsOpen(true)}
                onKeyDown={onKeyDown}
              />
            </TextInputGroup>
          </MenuToggle>
        )}
      >
        <SelectList id={LIST_ID} aria-label={t('Suggestions')} className="netobserv-menu">
          {options.map((option, index) => (
            <SelectOption
              key={`${option.isComplete}${option.id}`}
              id={`${LIST_ID}-${index}`}
              value={option.id}
              isFocused={index === active}
            >
              <span className="netobserv-suggestion">
                <span>
                  {option.id === TYPED && option.isComplete
                    ? t('Add: {{filters}}', { filters: option.label })
                    : option.label}
                </span>
                <span className="netobserv-subtle">
                  {option.count === undefined
                    ? option.detail
                    : option.isUpTo
                      ? t('up to {{shown}} flows', { shown: formatCount(option.count) })
                      : t('{{count}} flows', { count: option.count, shown: formatCount(option.count) })}
                </span>
              </span>
            </SelectOption>
          ))}
        </SelectList>
      </Select>
      {errors.length > 0 && (
        <div className="netobserv-not-understood" role="alert">
          {errors.map(error => (
            <div key={error.start}>
              <span className="netobserv-wrong">{error.text}</span> {t(error.reason, { word: error.word })}
            </div>
          ))}
        </div>
      )}
    </div>
  );
};

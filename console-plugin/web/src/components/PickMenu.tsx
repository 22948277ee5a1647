//! A button that shows a choice and a menu to change it. Who: every control of the frame and the views.
//! **Invariant:** the button names what it chooses, for people who cannot see the label beside it.
import { MenuToggle, Select, SelectList, SelectOption } from '@patternfly/react-core';
import { useState } from 'react';

export interface PickOption<T> {
  value: T;
  label: string;
  description?: string;
}

interface Props<T> {
  name: string;
  value: T;
  options: PickOption<T>[];
  onPick: (value: T) => void;
  /** Shown instead of the picked option's label. */
  text?: string;
  icon?: React.ReactNode;
  id?: string;
  isPlain?: boolean;
}

export const PickMenu = <T extends string | number>({
  name,
  value,
  options,
  onPick,
  text,
  icon,
  id,
  isPlain
}: Props<T>) => {
  const [isOpen, setIsOpen] = useState(false);
  const label = text ?? options.find(option => option.value === value)?.label ?? String(value);
  return (
    <Select
      isOpen={isOpen}
      selected={value}
      onSelect={(_event, picked) => {
        onPick(picked as T);
        setIsOpen(false);
      }}
      onOpenChange={setIsOpen}
      popperProps={{ position: 'end', preventOverflow: true }}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          id={id}
          aria-label={`${name}: ${label}`}
          icon={icon}
          variant={isPlain ? 'plainText' : 'default'}
          isExpanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {label}
        </MenuToggle>
      )}
    >
      <SelectList aria-label={name} className="netobserv-menu">
        {options.map(option => (
          <SelectOption key={option.value} value={option.value} description={option.description}>
            {option.label}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
};

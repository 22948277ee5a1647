//! Light, dark, or as the system. Who: the stand-alone page; the console has its own.
//! **Invariant:** one click goes to the other theme; the system's choice stands until then.
import { Button } from '@patternfly/react-core';
import { MoonIcon, SunIcon } from '@patternfly/react-icons';
import { useIsDark, useThemeChoice } from '../hooks/use-theme';
import { useText } from '../hooks/use-text';

export const ThemeSwitch = () => {
  const t = useText();
  const [, setChoice] = useThemeChoice();
  const isDark = useIsDark();
  return (
    <Button
      variant="plain"
      icon={isDark ? <SunIcon /> : <MoonIcon />}
      aria-label={isDark ? t('Light theme') : t('Dark theme')}
      title={isDark ? t('Light theme') : t('Dark theme')}
      onClick={() => setChoice(isDark ? 'light' : 'dark')}
    />
  );
};

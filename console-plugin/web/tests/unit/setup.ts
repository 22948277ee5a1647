import { configure } from '@testing-library/react';
import { startI18n } from '../../src/standalone/i18n';

// Long enough for a machine that builds something else meanwhile.
configure({ asyncUtilTimeout: 20_000 });
void startI18n();

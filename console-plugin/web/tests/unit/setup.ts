import { startI18n } from '../../src/standalone/i18n';

void startI18n();

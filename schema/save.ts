/** `npm run schema`: writes fleet.schema.json anew. */

import { writeFileSync } from 'node:fs';
import { SCHEMA_FILE, schemaText } from './text.ts';

writeFileSync(SCHEMA_FILE, schemaText());

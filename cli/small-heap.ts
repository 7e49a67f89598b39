/**
 * Imported before all else of a process that lives long and should be small. V8 lets the space for what is young grow
 * to 16 MB and more in each of its heaps, for the sake of programs that compute; a worker waits.
 */

import { setFlagsFromString } from 'node:v8';

// The one of its flags for this that V8 still heeds when the process has begun.
setFlagsFromString('--semi-space-growth-factor=1');

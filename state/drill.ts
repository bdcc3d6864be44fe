// What a drill of an app leaves out of its restore.

import { z } from 'zod';

/** `omit-volume` one volume after the other · `no-restore` all of them. */
export const Drill = z.enum(['omit-volume', 'no-restore']);
export type Drill = z.infer<typeof Drill>;

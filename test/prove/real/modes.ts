/** The modes that start real servers: what they find depends on the machine, and takes minutes. */
import type { Mode } from '../mode.ts';
import { descriptors } from './descriptors.ts';
import { disks } from './disks.ts';
import { kills } from './kills.ts';
import { lostReplies } from './lost-replies.ts';
import { namespaces } from './namespaces.ts';
import { owners } from './owners.ts';
import { stopped } from './stopped.ts';

export const REAL_MODES: readonly Mode[] = [kills, namespaces, owners, stopped, lostReplies, disks, descriptors];

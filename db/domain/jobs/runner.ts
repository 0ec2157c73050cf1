import type { JobPlan } from "./rules.ts";

/** The jobs, for whoever asks for one and may not know how they work. */
export interface JobRunner {
  plans: readonly JobPlan[];
  work(plan: JobPlan, period: string): Promise<void>;
}

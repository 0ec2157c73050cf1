CREATE INDEX "profit_records_in_state" ON "profit_records" USING btree ("group_id","state","created_at","serial_id");--> statement-breakpoint
CREATE INDEX "profit_records_of_state" ON "profit_records" USING btree ("state","created_at","serial_id");--> statement-breakpoint
CREATE INDEX "profit_records_open" ON "profit_records" USING btree ("serial_id") WHERE state <> 'claimed';--> statement-breakpoint
CREATE INDEX "payment_methods_found" ON "payment_methods" USING btree ("account_index") WHERE removed_at is null;
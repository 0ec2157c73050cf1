CREATE TABLE "customer_devices" (
	"user_id" bigint NOT NULL,
	"device_hash" text NOT NULL,
	"is_proven" boolean NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "customer_devices_user_id_device_hash_pk" PRIMARY KEY("user_id","device_hash")
);
--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "secret_sealed" text;--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "secret_sealed_previous" text;--> statement-breakpoint
ALTER TABLE "apps" ADD COLUMN "customer_proof" text DEFAULT 'never' NOT NULL;--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "gave_device" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "customer_devices" ADD CONSTRAINT "customer_devices_user_id_customers_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."customers"("user_id") ON DELETE no action ON UPDATE no action;
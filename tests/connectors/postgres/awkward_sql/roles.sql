DO $$ BEGIN
    CREATE ROLE "awkward Owner"; CREATE ROLE awkward_reader; CREATE ROLE "to";
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

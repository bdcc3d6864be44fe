create table if not exists posts (id bigint auto_increment primary key, title varchar(200) not null, body text not null);
alter table posts add column if not exists slug varchar(90);
update posts set slug = left(regexp_replace(lower(title), '[^a-z0-9]+', '-'), 90) where slug is null;
